import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type TrainCall, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import {
  checkpointsOf,
  drawPictures,
  ENDLESS,
  errorOf,
  linesOf,
  newestOf,
  tinyRun,
  useOwnCache,
  usePictures,
  whenTraining,
} from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(10)

const bytesOf = (folder: string, file: string) => readFileSync(join(newestOf(folder), file))

/** What a run leaves that must not depend on interruptions; times do, and when the guard may look, by the time that it took. */
function left(folder: string) {
  const { elapsedSeconds, ...state } = JSON.parse(bytesOf(folder, 'state.json').toString())
  const trained = linesOf(folder).filter((line) => !('guard' in line))
  const lines = trained.map(({ elapsedSeconds, imagesPerSecond, residentBytes, ...line }) => line)
  return { state, lines, checkpoint: newestOf(folder).slice(-9) }
}

describe('a run that was stopped and resumed', () => {
  const models: TrainCall[] = [
    // Linear learning rate, averages and partial batches all depend on the place in the run.
    { model: 'diffusion', lrSchedule: 'linear', emaEvery: 2, maxImages: 130 },
    { model: 'diffusion', variant: '0.26', selfCondition: true, accumulate: 2, maxImages: 130 },
    { model: 'dcgan', maxImages: 200 },
  ]
  test.each(models)('equals one that was not, bit for bit: %o', async (options) => {
    const out = temporaryFolder()
    const straight = await tinyRun(out, data, { ...options, logImages: 30 })
    // No unit of work crosses a snapshot, so this run stops early on the fastest machine too.
    const looked = { checkpointImages: 40, previews: 2 }
    const first = tinyRun(out, data, { ...options, ...looked, logImages: 30 })
    // Looking at a run must not change it.
    const drawn = Promise.resolve(first.sample({ seed: 1 }))
    await whenTraining(first)
    const stopped = await first.stop()
    expect((await drawn).count).toBe(1)
    expect(stopped.images).toBeLessThan(options.maxImages!)
    const second = train({ resume: stopped.run, data, maxImages: options.maxImages! })
    await whenTraining(second)
    await second.checkpoint()
    await second.stop()
    const last = await train({ resume: stopped.run, data, maxImages: options.maxImages! })
    expect(last.run).toBe(stopped.run)
    expect(left(last.run)).toEqual(left(straight.run))
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      expect(bytesOf(last.run, file).equals(bytesOf(straight.run, file)), file).toBe(true)
    }
  })

  test('differs where anything else was given, such as a seed: the comparison above can fail', async () => {
    const out = temporaryFolder()
    const [a, b] = [await tinyRun(out, data, { maxImages: 8 }), await tinyRun(out, data, { maxImages: 8, seed: 1 })]
    expect(bytesOf(a.run, 'model.safetensors').equals(bytesOf(b.run, 'model.safetensors'))).toBe(false)
  })

  test('goes on from an earlier checkpoint where the newest is damaged, and says so', async () => {
    const model = await tinyRun(temporaryFolder(), data, { maxImages: 20, checkpointImages: 10, logImages: 10 })
    await rm(join(newestOf(model.run), 'model.safetensors'))
    const told: string[] = []
    const resumed = await train({ resume: model.run, data, maxImages: 30, onLog: (line) => told.push(line) })
    expect(resumed.images).toBe(30)
    expect(told.join('\n')).toMatch(/000000020[\s\S]*Going on from \S+000000010/)
    expect(linesOf(model.run).map(({ images }) => images)).toEqual([4, 10, 20, 30])
  })
})

describe('resume', () => {
  test('true goes on with the newest run of this kind in out, or starts the first', async () => {
    const out = temporaryFolder()
    const first = await tinyRun(out, data, { resume: true, maxImages: 4 })
    const second = await tinyRun(out, data, { resume: true, maxImages: 8 })
    const other = await tinyRun(out, data, { resume: true, maxImages: 4, model: 'dcgan' })
    expect(readdirSync(out).sort()).toEqual(['00000-diffusion-16-data', '00001-dcgan-32-data'])
    expect([first.run, second.run]).toEqual([other.run, other.run].map(() => join(out, '00000-diffusion-16-data')))
    expect([second.images, other.images]).toEqual([8, 4])
  })

  test('of a finished run has nothing to do and gives its model', async () => {
    const model = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
    const again = await train({ resume: model.run, data })
    expect(again).toMatchObject({ images: 8, run: model.run })
    expect(checkpointsOf(model.run)).toEqual(['000000008'])
  })

  test('with other options is RESUME_MISMATCH and names them all; the run stays as it was', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
    const config = readFileSync(join(run, 'config.json'), 'utf8')
    const error = await errorOf(train({ resume: run, data, lr: 0.5, dim: 16, timesteps: 20, maxImages: 16 }))
    expect(error.code).toBe('RESUME_MISMATCH')
    expect(error.details.changed).toEqual(['lr', 'dim'])
    expect(error.message).toContain('lr: 0.0001 then, 0.5 now')
    expect(readFileSync(join(run, 'config.json'), 'utf8')).toBe(config)
    expect((await train({ resume: run, data, maxImages: 10 })).images).toBe(10)
  })

  test('with other pictures is RESUME_MISMATCH', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
    const others = await drawPictures(temporaryFolder(), 9)
    const error = await errorOf(train({ resume: run, data: others, maxImages: 16 }))
    expect(error).toMatchObject({ code: 'RESUME_MISMATCH', message: expect.stringContaining('10 then, 9 now') })
  })

  test('of a run that is training is RUN_LOCKED, and free again after it', async () => {
    const running = tinyRun(temporaryFolder(), data, { maxImages: ENDLESS })
    const folder = await whenTraining(running)
    expect(await errorOf(train({ resume: folder, data }))).toMatchObject({
      code: 'RUN_LOCKED',
      details: { folder, pid: process.pid },
    })
    const { images } = await running.stop()
    expect((await train({ resume: folder, data, maxImages: images + 1 })).images).toBeGreaterThan(images)
  })

  test('of what is not a run: RUN_NOT_FOUND or RUN_INVALID, and nothing is made', async () => {
    const folder = temporaryFolder()
    expect(await errorOf(train({ resume: folder, data }))).toMatchObject({ code: expect.stringMatching(/^RUN_/) })
    const nothing = join(folder, 'nothing')
    expect(await errorOf(train({ resume: nothing, data }))).toMatchObject({ code: expect.stringMatching(/^RUN_/) })
    expect([existsSync(nothing), readdirSync(folder)]).toEqual([false, []])
  })
})
