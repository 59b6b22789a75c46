/** R59: the event loop stays free while a run trains. Bounds are of this thread's own time, so that a busy machine passes. */
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { loadAddon } from '../../lib/native/load.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { computedPerTurn, ownClock, spin } from '../helpers/own-time.ts'
import { draw, noise } from '../helpers/pictures.ts'
import { ENDLESS, tinyRun, useOwnCache, usePictures, whenTraining } from '../helpers/runs.ts'
import { smallTrainer } from '../helpers/specs.ts'

useOwnCache()
const data = usePictures(10)

const MAX_DELAY_MS = 20
/** What a call of `fs.stat` costs this thread is the measure: it goes to another thread and comes back, too. */
const MAX_STATS = 40

/** 99th percentile of how late a timer of 1 ms fires `times` times, the wait for a core not counted. */
async function ownDelay(times: number): Promise<number> {
  const delays: number[] = []
  while (delays.length < times) {
    const begun = ownClock()
    await sleep(1)
    delays.push(ownClock() - begun - 1)
  }
  return delays.sort((a, b) => a - b)[Math.floor(times * 0.99)]!
}

test(`R59: the event loop is late by less than ${MAX_DELAY_MS} ms while a run trains and sharp decodes`, async () => {
  const picture = await draw(256, 256, (x, y) => [noise(x * 256 + y), x, y])
    .resize(1024)
    .jpeg()
    .toBuffer()
  const run = tinyRun(temporaryFolder(), data, { maxImages: ENDLESS, threads: 0, previews: 4, checkpointImages: 400 })
  await whenTraining(run)
  let measuring = true
  const decoded = [0, 0]
  const decode = async (i: number) => {
    for (; measuring || decoded[i]! < 5; decoded[i]! += 1) await sharp(picture).raw().toBuffer()
  }
  const decoding = Promise.all([decode(0), decode(1)])
  const delays = [await ownDelay(300), await ownDelay(300)]
  measuring = false
  await decoding
  expect((await run.stop()).images).toBeGreaterThan(8)
  expect(Math.min(...delays)).toBeLessThan(MAX_DELAY_MS)
})

test(`a unit of work costs this thread less than ${MAX_STATS} calls of fs.stat`, async () => {
  const trainer = await smallTrainer(await loadAddon(), { model: 'dcgan', width: 1, latent: 1, batch: 1 })
  await trainer.step(1)
  const [unit, call] = await computedPerTurn(
    () => trainer.step(1),
    () => stat('.'),
  )
  expect(unit).toBeLessThan(MAX_STATS * call!)
  trainer.dispose()
})

test('both measures see a thread that works', async () => {
  const blocking = setInterval(() => spin(30), 1)
  expect(await ownDelay(20)).toBeGreaterThan(MAX_DELAY_MS)
  clearInterval(blocking)
  const [unit, call] = await computedPerTurn(
    async () => spin(5),
    () => stat('.'),
  )
  expect(unit).toBeGreaterThan(MAX_STATS * call!)
})
