/** Bounded work: order of failures, aborts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forEachIndex } from '../../../lib/data/pool.ts'

test('every index once, and few at a time', async () => {
  const seen: number[] = []
  let running = 0
  let most = 0
  await forEachIndex(50, undefined, async (index) => {
    running += 1
    most = Math.max(most, running)
    await sleep(index % 3)
    seen.push(index)
    running -= 1
  })
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

test('nothing to do', async () => {
  await forEachIndex(0, undefined, () => Promise.reject(new Error('called')))
})

test('of several failures the first in order, after those under way have ended', async () => {
  let running = 0
  let started = 0
  const work = async (index: number) => {
    running += 1
    started += 1
    await sleep(index === 0 ? 20 : 1)
    running -= 1
    throw new Error(`failed ${index}`)
  }
  await expect(forEachIndex(100, undefined, work)).rejects.toThrow('failed 0')
  expect(running).toBe(0)
  expect(started).toBeLessThanOrEqual(4)
})

test('an abort starts nothing more and comes before a failure', async () => {
  const controller = new AbortController()
  let started = 0
  const work = async () => {
    started += 1
    controller.abort(new Error('enough'))
    await sleep(1)
    throw new Error('failed')
  }
  const result = forEachIndex(100, controller.signal, work)
  await expect(result).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: { message: 'enough' } })
  expect(started).toBeLessThanOrEqual(4)
})
