/** The classifier's options, the one attribute it learns, and what it does not do. */
import { describe, expect, test } from 'vitest'
import { learnClasses } from '../../../lib/data/labels/learn.ts'
import type { RawLabels, RawValue } from '../../../lib/data/labels/raw.ts'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { resolveWalk } from '../../../lib/options/walk.ts'

function caught(work: () => unknown): ShinsakuError {
  try {
    work()
  } catch (error) {
    return error as ShinsakuError
  }
  throw new Error('nothing was thrown')
}

const wrong = (given: AnyTrainOptions) =>
  (caught(() => resolveTrain({ model: 'classifier', ...given })).details.problems as { path: string }[]).map(
    ({ path }) => path,
  )

test('it learns folders with three convolutions and Adam unless told otherwise', () => {
  expect(resolveTrain({ model: 'classifier' })).toMatchObject({
    variant: 'cnn',
    units: 100,
    optimizer: 'adam',
    labels: 'folders',
    size: 64,
    flip: false,
    guard: false,
    previews: 0,
  })
})

test.each<[AnyTrainOptions, string]>([
  [{ labels: null }, 'labels'],
  [{ size: 20 }, 'size'],
  [{ momentum: 0.9 }, 'momentum'],
  [{ guard: true }, 'guard'],
  [{ previews: 4 }, 'previews'],
  [{ emaDecay: 0.9 }, 'emaDecay'],
  [{ emaLength: 0.1 }, 'emaLength'],
  [{ time: '5m' }, 'time'],
  [{ optimizer: 'adamw' as never }, 'optimizer'],
  [{ attribute: '' }, 'attribute'],
])('refuses %o', (given, path) => {
  expect(wrong(given)).toContain(path)
})

test('sizes that are no multiple of 8 are for "mlp"', () => {
  expect(resolveTrain({ model: 'classifier', variant: 'mlp', size: 20 }).size).toBe(20)
})

test('what makes pictures is refused, and says what to use', () => {
  const train = resolveTrain({ model: 'classifier' })
  for (const call of [() => resolveSample({}, train), () => resolveWalk({ seeds: [1, 2] }, train)]) {
    const error = caught(call)
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path: 'model' }] } })
    expect(error.message).toContain('classify')
  }
})

describe('one attribute is learned', () => {
  const of = (...rows: Record<string, RawValue>[]) =>
    rows.map((row, i) => ({ path: `${i}.png`, labels: new Map(Object.entries(row)) as RawLabels }))
  const refused = (found: ReturnType<typeof of>, wanted: string | null, message: RegExp) =>
    expect(() => learnClasses('a.csv', found, wanted)).toThrow(
      expect.objectContaining({ code: 'LABELS_INVALID', message: expect.stringMatching(message) }),
    )

  test('the only one, or the one that is named; numbers and yes or no are classes too', () => {
    expect(learnClasses('a.csv', of({ a: 1 }, { a: 2 }, { a: 1 }), null).set.attributes).toEqual([
      { name: 'a', kind: 'class', values: ['1', '2'], counts: [2, 1] },
    ])
    const two = of({ hair: 'red', glasses: true }, { hair: 'red', glasses: false })
    expect(learnClasses('a.csv', two, 'glasses').set.attributes).toEqual([
      { name: 'glasses', kind: 'class', values: ['false', 'true'], counts: [1, 1] },
    ])
  })

  test('what it cannot be is said', () => {
    refused(of({ hair: 'red', glasses: true }, { hair: 'brown' }), null, /2 attributes \("hair", "glasses"\)/)
    refused(of({ hair: 'red' }, { hair: 'brown' }), 'hat', /no attribute "hat": they have "hair"/)
    refused(of({}, {}), null, /No picture that is trained on has a label/)
    refused(of({ a: 'x' }, {}, { a: 'y' }), null, /1 of 3 pictures have no "a": "1.png"/)
    refused(of({ a: 'x' }, { a: 'x' }), null, /have the same "a"/)
    refused(of({ words: ['x', 'y'] }, { words: ['x'] }), null, /holds words/)
  })
})
