/** Which weights "auto" means: the rule, at its boundary and at its exceptions. */
import { expect, test } from 'vitest'
import { autoWeights } from '../../../lib/sampling/weights.ts'

const usual = { emaDecay: 0.995, emaEvery: 10, emaLength: null, exact: false }

test('the average is taken once a run is twice as long as what it averages over', () => {
  // 10 / (1 - 0.995) are 2000 updates.
  expect(autoWeights(usual, 16 * 3999, 16)).toBe('raw')
  expect(autoWeights(usual, 16 * 4001, 16)).toBe('ema')
  expect(autoWeights({ ...usual, emaEvery: 1 }, 16 * 399, 16)).toBe('raw')
  expect(autoWeights({ ...usual, emaEvery: 1 }, 16 * 401, 16)).toBe('ema')
})

test('an average by emaLength is as long as its run allows, so it always counts', () => {
  expect(autoWeights({ ...usual, emaLength: 0.1 }, 16, 16)).toBe('ema')
  expect(autoWeights({ ...usual, emaLength: 0.1, emaDecay: null }, 16, 16)).toBe('raw')
})

test('without an average it is the latest weights', () => {
  expect(autoWeights({ ...usual, emaDecay: null }, 1e9, 16)).toBe('raw')
})

test('an exact run, and one of unknown length, sample as their reference does', () => {
  expect(autoWeights({ ...usual, exact: true }, 16, 16)).toBe('ema')
  expect(autoWeights(usual, 0, 16)).toBe('ema')
})
