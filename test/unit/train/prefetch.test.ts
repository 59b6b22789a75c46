/** Rows read ahead: the right ones in the right order, while the device works, and never many of them. */
import { describe, expect, test } from 'vitest'
import { ShinsakuError } from '../../../lib/errors.ts'
import { Prefetch } from '../../../lib/train/prefetch.ts'

const BATCH = 3
/** Of a set of ten pictures of one byte, whose value is their index. */
const SHAPE = { size: 1, channels: 1 }
const COUNT = 10

/** A trainer that takes pictures one after the other, one call at a time, as the device thread does. */
function fakeTrainer() {
  const events: string[] = []
  const units: number[][] = []
  let next = 0
  let queue: Promise<unknown> = Promise.resolve()
  const queued = <T>(work: () => T | Promise<T>): Promise<T> => {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }
  const gates: (() => void)[] = []
  const trainer = {
    plan: (updates: number) =>
      queued(() => {
        events.push(`plan ${updates}`)
        const indices = Int32Array.from({ length: updates * BATCH }, (_, i) => (next + i) % COUNT)
        return { indices, sizes: new Int32Array(updates).fill(BATCH) }
      }),
    step: (updates: number, pixels?: Uint8Array) =>
      queued(async () => {
        events.push(`step ${updates}`)
        const expected = Array.from({ length: updates * BATCH }, (_, i) => (next + i) % COUNT)
        expect([...pixels!]).toEqual(expected)
        await new Promise<void>((resolve) => gates.push(resolve))
        next += updates * BATCH
        units.push(expected)
        events.push('done')
        return { images: [next] }
      }),
  }
  /** Lets the running unit end, once there is one. */
  const finishUnit = async () => {
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve))
    gates.shift()!()
  }
  return { trainer, events, units, finishUnit, moveTo: (place: number) => (next = place) }
}

/** A store that tells what is read and can fail. */
function fakeStore(events: string[]) {
  const state = { failing: false, read: 0 }
  const read = async (indices: ArrayLike<number>) => {
    await new Promise((resolve) => setImmediate(resolve))
    if (state.failing) throw new ShinsakuError('FILE_FAILED', 'the disk is gone')
    state.read += indices.length
    events.push(`read ${indices.length}`)
    return Uint8Array.from(indices)
  }
  return { store: { ...SHAPE, read }, state }
}

function make() {
  const device = fakeTrainer()
  const { store, state } = fakeStore(device.events)
  return { ...device, state, prefetch: new Prefetch(device.trainer, store) }
}

const settled = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('units', () => {
  test('of any length get the rows of their updates, in order, over ends of epochs', async () => {
    const { prefetch, units, finishUnit } = make()
    for (const updates of [1, 1, 4, 2, 2, 7, 1]) {
      const result = prefetch.step(updates)
      await finishUnit()
      await result
    }
    expect(units.flat()).toEqual(Array.from({ length: 18 * BATCH }, (_, i) => i % COUNT))
  })

  test('queued two at a time end in order', async () => {
    const { prefetch, finishUnit } = make()
    const results: Promise<{ images?: number[] }>[] = []
    for (let i = 0; i < 6; i++) {
      results.push(prefetch.step(2))
      if (results.length < 2) continue
      await finishUnit()
      await results[i - 1]
    }
    await finishUnit()
    expect((await Promise.all(results)).map(({ images }) => images![0])).toEqual([6, 12, 18, 24, 30, 36])
  })
})

test('rows of the next unit are read while one runs, and the device never waits for a plan', async () => {
  const { prefetch, events, finishUnit } = make()
  const first = prefetch.step(2)
  const second = prefetch.step(2)
  await settled()
  // The first unit runs; the rows of both were read before it began.
  expect(events).toEqual(['plan 4', 'read 12', 'step 2'])
  await finishUnit()
  await first
  await settled()
  // The second runs, and meanwhile those of a third are read, which was planned before it began.
  expect(events.slice(3)).toEqual(['done', 'plan 4', 'step 2', 'read 6'])
  const third = prefetch.step(2)
  await finishUnit()
  await second
  await settled()
  expect(events.slice(7)).toEqual(['done', 'plan 4', 'step 2', 'read 6'])
  await finishUnit()
  await third
})

test('no more rows are read than of one unit ahead', async () => {
  const { prefetch, state, finishUnit } = make()
  for (let unit = 1; unit <= 20; unit++) {
    const result = prefetch.step(2)
    await finishUnit()
    await result
    await settled()
    expect(state.read).toBeLessThanOrEqual((unit + 1) * 2 * BATCH)
  }
})

describe('a store that fails', () => {
  test('fails the unit whose rows are missing, and all after it; none is skipped', async () => {
    const { prefetch, units, state, finishUnit } = make()
    const first = prefetch.step(1)
    await settled()
    state.failing = true
    const [second, third] = [prefetch.step(1), prefetch.step(1)]
    const failures = Promise.allSettled([third])
    await finishUnit()
    await first
    await finishUnit()
    // Read ahead with the first one.
    await second
    const failure = { status: 'rejected', reason: expect.objectContaining({ code: 'FILE_FAILED' }) }
    expect(await failures).toEqual([failure])
    state.failing = false
    expect(await Promise.allSettled([prefetch.step(1)])).toEqual([failure])
    expect(units).toHaveLength(2)
  })

  test('is tried again after a reset', async () => {
    const { prefetch, units, state, moveTo, finishUnit } = make()
    state.failing = true
    await expect(prefetch.step(1)).rejects.toMatchObject({ code: 'FILE_FAILED' })
    state.failing = false
    await prefetch.reset()
    moveTo(7)
    const result = prefetch.step(2)
    await finishUnit()
    await result
    expect(units).toEqual([[7, 8, 9, 0, 1, 2]])
  })
})

test('a reset after units forgets what was planned', async () => {
  const { prefetch, units, moveTo, finishUnit } = make()
  const first = prefetch.step(3)
  await finishUnit()
  await first
  await prefetch.reset()
  moveTo(1)
  const second = prefetch.step(1)
  await finishUnit()
  await second
  expect(units.at(-1)).toEqual([1, 2, 3])
})

test('an error of the trainer reaches the unit that it is of', async () => {
  const { trainer, ...rest } = fakeTrainer()
  const error = new ShinsakuError('LOSS_NOT_FINITE', 'loss became nan')
  const { store } = fakeStore(rest.events)
  const prefetch = new Prefetch({ ...trainer, step: () => Promise.reject(error) }, store)
  await expect(prefetch.step(1)).rejects.toBe(error)
})
