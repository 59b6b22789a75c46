/** When a run ends: by images, by time, and where the images of a run that is bound in time meet its end. */
import { describe, expect, test } from 'vitest'
import { Timekeeper } from '../../../lib/train/timekeeper.ts'

/** A keeper whose clock and speed are set by hand. */
function keeper(
  options: { time?: number; maxTime?: number; maxImages?: number },
  start = { images: 0, elapsedSeconds: 0 },
) {
  const clock = { ms: 5000 }
  const ends: number[] = []
  const logged: string[] = []
  const time = new Timekeeper({
    options: { maxImages: 1000, maxTime: null, time: null, ...options },
    start,
    begunAt: 2000,
    endAt: (images) => ends.push(images),
    runLog: { log: (line) => logged.push(line) },
    now: () => clock.ms,
  })
  let images = start.images
  /** Trains for so long at this speed, a unit each tenth of a second; true once the run is over. */
  const train = (seconds: number, perSecond: number): boolean => {
    for (let i = 0; i < seconds * 10; i++) {
      if (time.isOver(images, time.elapsedSeconds)) return true
      clock.ms += 100
      images += perSecond / 10
      time.review(images)
    }
    return time.isOver(images, time.elapsedSeconds)
  }
  return { time, ends, logged, clock, train, images: () => images }
}

describe('a run without a time', () => {
  test('ends at maxImages or maxTime, counts from its first update, and leaves the learning rate alone', () => {
    const { time, ends, train } = keeper({ maxTime: 60 })
    expect(time.elapsedSeconds).toBe(0)
    expect(time.isOver(1000, 1)).toBe(true)
    expect(time.isOver(999, 59)).toBe(false)
    expect(time.isOver(1, 60)).toBe(true)
    expect(train(30, 10)).toBe(false)
    expect(ends).toEqual([])
  })
})

describe('a run that is bound in time', () => {
  test('counts from the call', () => {
    expect(keeper({ time: 100 }).time.elapsedSeconds).toBe(3)
  })

  test.each([
    { name: 'slower than measured', perSecond: 5 },
    { name: 'faster than measured', perSecond: 40 },
  ])('$name: its schedule still ends with its time', ({ perSecond }) => {
    const { time, ends, logged, images, train } = keeper({ time: 100, maxImages: 1000 })
    expect(train(200, perSecond)).toBe(true)
    expect(time.elapsedSeconds).toBeGreaterThan(98)
    expect(time.elapsedSeconds).toBeLessThanOrEqual(100)
    // The course of the learning rate ended where the run did.
    expect(ends.at(-1)).toBe(time.maxImages)
    expect(Math.abs(time.maxImages - images())).toBeLessThan(0.02 * images())
    expect(logged[0]).toMatch(/^At the present speed the time is enough for \d+ images, not 1000$/)
  })

  test('a machine that becomes busy half way', () => {
    const { time, images, train } = keeper({ time: 100, maxImages: 1900 })
    train(50, 20)
    train(200, 5)
    expect(time.elapsedSeconds).toBeLessThanOrEqual(100)
    expect(Math.abs(time.maxImages - images())).toBeLessThan(0.02 * images())
  })

  test('leaves room for a last checkpoint as long as the longest one', async () => {
    const { time, clock, train } = keeper({ time: 100 })
    await time.pause(async () => {
      clock.ms += 7000
    })
    train(200, 10)
    expect(time.elapsedSeconds).toBeGreaterThan(91)
    expect(time.elapsedSeconds).toBeLessThanOrEqual(93.1)
  })

  test('resumed, it has the rest of its time, and none where that is over', () => {
    const { time, ends, train } = keeper({ time: 100, maxImages: 300 }, { images: 400, elapsedSeconds: 40 })
    // 10 images a second until then, and 57 seconds left after those that opening took.
    expect(ends).toEqual([400 + 570])
    expect(train(200, 10)).toBe(true)
    expect(time.elapsedSeconds).toBeGreaterThan(98)
    expect(keeper({ time: 100 }, { images: 400, elapsedSeconds: 100 }).train(1, 10)).toBe(true)
  })
})
