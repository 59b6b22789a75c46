import { describe, expect, test } from 'vitest'
import { type Evidence, verdictOf, verdictRule } from '../../../lib/evaluate/verdict.ts'

const at = (value: number, by = 0) => ({ value, low: value - by, high: value + by })

/** Of a good model. */
const good: Evidence = {
  n: 1024,
  pictures: 142,
  copyShare: at(0.002, 0.002),
  copyShareHeldOut: at(0),
  nnMae: at(20),
  nnMaeTrain: at(21),
  precision: at(0.9),
  recall: at(0.8),
  swd: at(12),
  swdFloor: at(10),
  spread: 0.98,
}

const wordOf = (changes: Partial<Evidence>) => verdictOf({ ...good, ...changes }).word

describe('verdictOf()', () => {
  test('a good model is good, with and without an extractor', () => {
    expect(wordOf({})).toBe('good')
    expect(wordOf({ precision: null, recall: null })).toBe('good')
  })

  test('copies are copied, however good they look', () => {
    expect(wordOf({ copyShare: at(0.4, 0.03), precision: at(1), nnMae: at(3) })).toBe('copied')
  })

  test('a share that held-out pictures have too is no sign of copies', () => {
    expect(wordOf({ copyShare: at(0.2, 0.03), copyShareHeldOut: at(0.25) })).not.toBe('copied')
    expect(wordOf({ copyShare: at(0.2, 0.03), copyShareHeldOut: at(0.05) })).toBe('copied')
  })

  test('a share whose interval does not decide leaves it open', () => {
    expect(wordOf({ copyShare: at(0.06, 0.03) })).toBe('unknown')
  })

  test('samples far nearer to training pictures than those are to each other are not called new', () => {
    expect(wordOf({ nnMae: at(8) })).toBe('unknown')
  })

  test('too few samples or pictures leave it open', () => {
    expect(wordOf({ n: 63 })).toBe('unknown')
    expect(wordOf({ pictures: 15 })).toBe('unknown')
    expect(wordOf({ copyShare: null })).toBe('unknown')
  })

  test('a collapse and half the variety are told apart, and neither is good', () => {
    const collapsed = verdictOf({ ...good, spread: 0.01, recall: at(0.01) })
    const half = verdictOf({ ...good, spread: 0.5, recall: at(0.1) })
    expect([collapsed.word, half.word]).toEqual(['new', 'new'])
    expect(collapsed.because.join(' ')).toContain('collapsed')
    expect(half.because.join(' ')).toContain('too alike: 50 %')
  })

  test('noise is wilder than the training pictures', () => {
    const noise = verdictOf({ ...good, spread: 3.9, precision: null, recall: null, swd: at(39) })
    expect(noise.word).toBe('new')
    expect(noise.because.join(' ')).toContain('wilder')
  })

  test('what does not look like the training pictures is new, not good', () => {
    expect(wordOf({ precision: at(0.3) })).toBe('new')
    expect(wordOf({ precision: null, recall: null, swd: at(40) })).toBe('new')
    expect(wordOf({ precision: null, recall: null, swdFloor: null })).toBe('new')
  })

  test('the rule says the numbers it goes by', () => {
    for (const number of ['5.0 %', '64', '16', '70 %', '60 %', '40 %']) expect(verdictRule).toContain(number)
  })
})
