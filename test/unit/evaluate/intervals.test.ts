import { describe, expect, test } from 'vitest'
import { bootstrapMean, percentileInterval, shuffled, words } from '../../../lib/evaluate/intervals.ts'

describe('bootstrapMean()', () => {
  /** The numbers of a normal distribution, by its central limit. */
  const normal = (count: number, seed: number) => {
    const next = words(seed)
    const uniform = () => next() / 2 ** 32
    return Float64Array.from({ length: count }, () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6)
  }

  test('holds the true mean about 95 times in 100', () => {
    const holding = Array.from({ length: 200 }, (_, seed) => bootstrapMean(normal(40, seed), 1)).filter(
      ({ low, high }) => low <= 0 && 0 <= high,
    )
    expect(holding.length).toBeGreaterThan(200 * 0.88)
    expect(holding.length).toBeLessThan(200)
  })

  test('is that of the normal distribution where values are many, and about as wide as a bootstrap', () => {
    const few = bootstrapMean(normal(10_000, 3), 0)
    const many = bootstrapMean(normal(10_001, 3), 0)
    expect((many.high - many.low) / (few.high - few.low)).toBeCloseTo(1, 0)
    expect(many.high - many.low).toBeCloseTo((2 * 1.96) / 100, 3)
  })

  test('the same values and seed give the same bounds; equal values give none', () => {
    const values = normal(30, 9)
    expect(bootstrapMean(values, 5)).toEqual(bootstrapMean(values, 5))
    expect(bootstrapMean(values, 5)).not.toEqual(bootstrapMean(values, 6))
    expect(bootstrapMean([2, 2, 2], 0)).toEqual({ value: 2, low: 2, high: 2 })
  })
})

test('percentileInterval() leaves out 2.5 % on both sides', () => {
  const values = Array.from({ length: 1001 }, (_, i) => 1000 - i)
  expect(percentileInterval(7, values)).toEqual({ value: 7, low: 25, high: 975 })
})

test('shuffled() holds every index once, in an order of the seed', () => {
  expect([...shuffled(100, 1)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(shuffled(100, 1)).not.toEqual(shuffled(100, 2))
  expect(shuffled(100, 1)).toEqual(shuffled(100, 1))
})
