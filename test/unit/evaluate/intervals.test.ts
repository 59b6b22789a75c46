import { describe, expect, test } from 'vitest'
import {
  bootstrapDifference,
  bootstrapMean,
  bootstrapShare,
  percentileInterval,
  shuffled,
  words,
} from '../../../lib/evaluate/intervals.ts'

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

describe('bootstrapShare()', () => {
  test('is that of the mean, with how many there were', () => {
    const hits = [1, 0, 0, 1, 0, 0, 0, 0]
    expect(bootstrapShare(hits, 1)).toEqual({ ...bootstrapMean(hits, 1), n: 8 })
  })

  test('none of n, or all of them, leave room on the open side: 3 of n, about', () => {
    expect(bootstrapShare(new Uint8Array(100), 1)).toMatchObject({ value: 0, low: 0, high: expect.closeTo(0.0295, 4) })
    expect(bootstrapShare(new Uint8Array(16).fill(1), 1)).toMatchObject({
      low: expect.closeTo(0.829, 3),
      high: 1,
      n: 16,
    })
  })
})

describe('bootstrapDifference()', () => {
  const next = words(4)
  const noisy = (mean: number) => Float64Array.from({ length: 60 }, () => mean + next() / 2 ** 32)

  test('holds the difference of two means, and leaves 0 where they are far apart', () => {
    const [a, b] = [noisy(3), noisy(1)]
    const { value, low, high } = bootstrapDifference(a, b, 1)
    expect(value).toBeCloseTo(2, 0)
    expect([low > 1.5, low < value, value < high]).toEqual([true, true, true])
    const same = bootstrapDifference(noisy(1), noisy(1), 1)
    expect(same.low * same.high).toBeLessThan(0)
  })

  test('of several that are looked at together each is wider', () => {
    const [a, b] = [noisy(1), noisy(1)]
    const width = (among: number) => {
      const { low, high } = bootstrapDifference(a, b, 1, among)
      return high - low
    }
    expect(width(3)).toBeGreaterThan(width(1))
  })
})
