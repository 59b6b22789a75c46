/** Runs that are bound in time: what they choose goes on record, they end in their time, and resumed in the rest of it. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describe as describeRun, type Phase, type Status, type TrainCall, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { errorOf, jsonIn, statusesOf, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(10)

const TIME = 4
const timed = (out: string, more: TrainCall = {}) => tinyRun(out, data, { time: TIME, ...more })

describe('a run that is bound in time', () => {
  test('ends in it, and what it chose is on record', async () => {
    const phases = new Set<Phase['phase']>()
    const log: string[] = []
    const run = timed(temporaryFolder(), {
      previews: 2,
      onLog: (line) => log.push(line),
      onPhase: ({ phase }) => phases.add(phase),
    })
    const statuses = await statusesOf(run)
    const model = await run
    const folder = run.folder!
    const { maxImages } = statuses.at(-1)!
    // Two units are under way when the time is over.
    for (const { elapsedSeconds } of statuses.slice(0, -2)) expect(elapsedSeconds).toBeLessThan(TIME)
    expect(jsonIn(folder, 'config.json').options).toMatchObject({
      time: TIME,
      maxImages,
      size: 16,
      dim: 8,
      batch: 4,
      lrSchedule: 'cosine',
      emaLength: 0.1,
    })
    expect(log.filter((line) => /^For 4 s on this machine: |^Measured /.test(line))).toHaveLength(2)
    expect(log).toContainEqual(expect.stringMatching(/^Preview: .*averaged weights$/))
    expect([...phases]).toEqual(['measure', 'read', 'decode', 'preview', 'checkpoint'])
    expect(model.autoWeights).toBe('ema')
    // Its time is over: nothing is left to train.
    const again = await train({ resume: folder })
    expect(again.images).toBe(model.images)
  })

  test('stopped, it has the rest of its time; naming the images sets it free', async () => {
    const stopAtOnce = async (options: TrainCall) => {
      const run = options.resume ? train(options) : timed(temporaryFolder(), options)
      let last: Status | undefined
      for await (const status of run) {
        last = status
        void run.stop()
      }
      return { last: last!, folder: run.folder! }
    }
    const { last: first, folder } = await stopAtOnce({ time: 1000 })
    const { last } = await stopAtOnce({ resume: folder })
    expect(last.elapsedSeconds).toBeGreaterThan(first.elapsedSeconds)
    expect(last.etaSeconds! + last.elapsedSeconds).toBeLessThanOrEqual(1000)
    expect(jsonIn(folder, 'config.json').options).toMatchObject({ time: 1000, maxImages: last.maxImages })
    const { images } = await train({ resume: folder, maxImages: last.images + 8 })
    expect(images).toBeGreaterThanOrEqual(last.images + 8)
    expect(jsonIn(folder, 'config.json').options).toMatchObject({ time: null, maxImages: last.images + 8 })
  })
})

test('a length that is given twice is refused, before anything is written', async () => {
  const out = join(temporaryFolder(), 'runs')
  const error = await errorOf(timed(out, { maxImages: 100 }))
  expect(error).toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(/maxImages: follows from time/),
  })
})

describe('describe()', () => {
  const small: TrainCall = { data, size: 16, dim: 8, dimMults: [1, 2], batch: 4, threads: 1, device: 'cpu' }
  test('says how long a run would take, and what would fit where that is days', async () => {
    const { time, choice } = await describeRun({ ...small, maxImages: 1_000_000_000_000 })
    expect(time).toMatchObject({ imagesPerSecond: expect.any(Number), advice: expect.stringMatching(/--time 1h/) })
    expect(time!.seconds).toBeCloseTo(1e12 / time!.imagesPerSecond, 0)
    expect(choice).toEqual([])
  })

  test('says what time would choose', async () => {
    const { time, choice, options } = await describeRun({ ...small, time: 60 })
    expect(time).toMatchObject({ advice: null })
    expect(time!.seconds).toBeLessThanOrEqual(60)
    expect(choice[0]).toMatch(/^For 1 m 00 s on this machine: /)
    expect(options).toMatchObject({ time: 60, lrSchedule: 'cosine' })
  })
})
