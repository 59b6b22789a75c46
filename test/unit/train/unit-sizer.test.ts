import { describe, expect, test } from 'vitest'
import { eta, Means, Rate } from '../../../lib/train/status.ts'
import { UnitSizer } from '../../../lib/train/unit-sizer.ts'

describe('UnitSizer', () => {
  test('starts with one update, then fills about a tenth of a second', () => {
    const pace = new UnitSizer(4)
    expect(pace.next(0, 1000, 0)).toBe(1)
    pace.record(1, 0.01)
    expect(pace.next(4, 1000, 0)).toBe(10)
  })

  test('never passes a boundary except with a unit of one', () => {
    const pace = new UnitSizer(4)
    pace.record(1, 0.0001)
    expect(pace.next(0, 41, 0)).toBe(10)
    expect(pace.next(40, 41, 0)).toBe(1)
    expect(pace.next(40, 41, 1)).toBe(0)
    expect(pace.next(44, 41, 1)).toBe(0)
  })

  test('a slow update still runs, one at a time', () => {
    const pace = new UnitSizer(4)
    pace.record(1, 30)
    expect(pace.next(0, 1000, 0)).toBe(1)
    expect(pace.next(4, 1000, 1)).toBe(1)
  })
})

describe('derived figures', () => {
  test('Means averages each series and starts anew', () => {
    const means = new Means({ count: 1, sums: { loss: 3 } })
    means.add({ loss: [9, 1], images: [4, 8], epoch: [0, 0] }, 1)
    expect(JSON.parse(JSON.stringify(means))).toEqual({ count: 2, sums: { loss: 4 } })
    expect(means.take()).toEqual({ loss: 2 })
    expect(means.count).toBe(0)
  })

  test('Rate is images over seconds of the last half minute', () => {
    const rate = new Rate()
    expect(rate.perSecond).toBe(0)
    for (let s = 0; s <= 100; s++) rate.add(s < 50 ? s : 50 + (s - 50) * 3, s)
    expect(rate.perSecond).toBeCloseTo(3, 6)
  })

  test('eta is the sooner of maxImages and maxTime, and null without a rate', () => {
    const counters = { images: 50, updates: 1, epoch: 0, elapsedSeconds: 8 }
    expect(eta(counters, 0, 100, null)).toBeNull()
    expect(eta(counters, 5, 100, null)).toBe(10)
    expect(eta(counters, 5, 100, 10)).toBe(2)
    expect(eta(counters, 5, 40, 10)).toBe(0)
  })
})
