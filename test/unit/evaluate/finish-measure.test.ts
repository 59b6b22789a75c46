import { expect, test } from 'vitest'
import { finishMeasure } from '../../../lib/evaluate/finish-measure.ts'
import type { NativeMeasure } from '../../../lib/native/evaluate.ts'

/** A measure of `units` units whose result is 7. */
function measureOf(units: number, onStep?: (unit: number) => void) {
  const state = { done: 0, disposed: 0 }
  const measure: NativeMeasure<number> = {
    async step() {
      state.done++
      onStep?.(state.done)
      return state.done === units
    },
    progress: async () => state.done / units,
    result: async () => 7,
    dispose() {
      state.disposed++
    },
  }
  return { state, measure }
}

test('takes units until it is finished, reports each, and disposes of it', async () => {
  const { state, measure } = measureOf(4)
  const shares: number[] = []
  expect(await finishMeasure(measure, { onProgress: (share) => shares.push(share) })).toBe(7)
  expect(shares).toEqual([0.25, 0.5, 0.75, 1])
  expect(state).toEqual({ done: 4, disposed: 1 })
})

test('an abort ends it between two units: ABORT_ERR with the reason', async () => {
  const [abort, reason] = [new AbortController(), new Error('enough')]
  const { state, measure } = measureOf(4, (unit) => unit === 2 && abort.abort(reason))
  await expect(finishMeasure(measure, { signal: abort.signal })).rejects.toMatchObject({
    code: 'ABORT_ERR',
    cause: reason,
  })
  expect(state).toEqual({ done: 2, disposed: 1 })
})

test('what a unit throws comes out, and it is disposed of', async () => {
  const { state, measure } = measureOf(4, () => {
    throw new Error('no')
  })
  await expect(finishMeasure(measure)).rejects.toThrow('no')
  expect(state.disposed).toBe(1)
})
