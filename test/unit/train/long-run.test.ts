/** A run that would take days says so, with what would fit. */
import { expect, test } from 'vitest'
import { longRunAdvice } from '../../../lib/train/long-run.ts'

test('days are said with what an hour would hold, for the API and for the command line', () => {
  const advice = longRunAdvice(1_600_000, 1.0602)
  expect(advice).toContain('about 17 d 11 h')
  expect(advice).toContain("time: '1h' (--time 1h)")
  expect(advice).toContain('maxImages: 3800 (--max-images 3800)')
})

test('hours are not, nor is what is not known', () => {
  expect(longRunAdvice(1_600_000, 20)).toBeUndefined()
  expect(longRunAdvice(1_600_000, 0)).toBeUndefined()
})
