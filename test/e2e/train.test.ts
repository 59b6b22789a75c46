import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, Model, ShinsakuError } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import {
  type AnyCall,
  checkpointsOf,
  drawPictures,
  ENDLESS,
  errorOf,
  jsonIn,
  linesOf,
  statusesOf,
  tinyRun,
  trainAny,
  useOwnCache,
  usePictures,
} from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(10)

const run = (options: AnyCall = {}) => tinyRun(temporaryFolder(), data, options)
const isPng = (path: string) => readFileSync(path).subarray(1, 4).toString() === 'PNG'

describe('a run', () => {
  test.each([
    { model: 'diffusion', size: 16, series: ['learningRate', 'loss'] },
    { model: 'dcgan', size: 32, series: ['learningRate', 'lossD', 'lossG'] },
    { model: 'stylegan2', size: 32, series: ['lossD', 'lossG', 'r1', 'pathLength', 'augmentP'] },
  ] as const)('of $model tells its statuses, keeps its records and resolves with a model', async (expected) => {
    const { model: name, size, series } = expected
    const more = { maxImages: 60, checkpointImages: 30, logImages: 20, previews: 3 }
    const training = run({ model: name, ...more })
    const statuses = await statusesOf(training)
    const model = await training
    expect(statuses.map(({ images }) => images)).toEqual(
      [...new Set(statuses.map(({ images }) => images))].sort((a, b) => a - b),
    )
    for (const { loss, maxImages } of statuses) expect([Number.isFinite(loss), maxImages]).toEqual([true, 60])
    expect(statuses.at(-1)).toMatchObject({ images: 60, updates: 18, epoch: 5, etaSeconds: 0 })
    expect(statuses.at(-1)!.imagesPerSecond).toBeGreaterThan(0)
    const { ops, graph, precision } = jsonIn(training.folder!, 'environment.json')
    expect(statuses.at(-1)).toMatchObject({ ops, graph, precision })
    expect(model).toBeInstanceOf(Model)
    expect(model).toMatchObject({ images: 60, run: training.folder, device: 'cpu', options: { model: name, size } })
    const folder = training.folder!
    expect(jsonIn(folder, 'config.json').options).toEqual(JSON.parse(JSON.stringify(model.options)))
    expect(jsonIn(folder, 'dataset.json')).toMatchObject({ count: 10, files: expect.any(Array) })
    expect(readdirSync(folder).filter((file) => file.startsWith('events.out.tfevents.'))).toHaveLength(1)
    expect(linesOf(folder).map(({ images }) => images)).toEqual([4, 20, 40, 60])
    expect(Object.keys(linesOf(folder)[0])).toEqual(expect.arrayContaining([...series]))
    expect(readdirSync(join(folder, 'samples'))).toEqual(['000000000.png', '000000030.png', '000000060.png'])
    for (const file of ['reals.png', 'samples/000000060.png']) expect(isPng(join(folder, file)), file).toBe(true)
    expect(checkpointsOf(folder)).toEqual(['000000030', '000000060'])
    expect((await model.sample({ count: 2 })).pixels).toHaveLength(2 * size * size * 3)
  })

  test('learns: the loss of the same pictures falls', async () => {
    const { run: folder } = await run({ maxImages: 240, lr: 0.01, logImages: 80 })
    const [, ...losses] = linesOf(folder).map(({ loss }) => loss)
    expect(losses).toHaveLength(3)
    expect(losses[2]).toBeLessThan(0.7 * losses[0])
  })

  test('that nobody iterates trains all the same', async () => {
    expect((await run({ maxImages: 20 })).images).toBe(20)
  })

  test('ends at maxTime', async () => {
    const started = performance.now()
    const model = await run({ maxImages: ENDLESS, maxTime: 0.5 })
    expect(performance.now() - started).toBeGreaterThan(500)
    expect(model.images).toBeGreaterThan(0)
  })

  test('leaves the folder of its neighbour alone', async () => {
    const out = temporaryFolder()
    const [first, second] = [tinyRun(out, data, { maxImages: 4 }), tinyRun(out, data, { maxImages: 8 })]
    expect([(await first).images, (await second).images]).toEqual([4, 8])
    expect(readdirSync(out).sort()).toEqual(['00000-diffusion-16-data', '00001-diffusion-16-data'])
  })
})

describe('pictures', () => {
  const told = async (folder: string, options: AnyCall = {}) => {
    const lines: string[] = []
    const training = tinyRun(temporaryFolder(), folder, { maxImages: 9, onLog: (line) => lines.push(line), ...options })
    const statuses = await statusesOf(training)
    return { text: lines.join('\n'), last: statuses.at(-1)!, folder: training.folder! }
  }

  test('one is enough; the log says what comes of it', async () => {
    const { text, last } = await told(await drawPictures(temporaryFolder(), 1))
    expect(last).toMatchObject({ images: 9, updates: 9, epoch: 8 })
    expect(text).toContain('one picture only')
  })

  test('fewer than a batch make smaller batches; the log says so', async () => {
    const { text, last } = await told(await drawPictures(temporaryFolder(), 3))
    expect(last).toMatchObject({ images: 9, updates: 3 })
    expect(text).toContain('3 pictures, fewer than a batch of 4')
  })

  test('that are copies count double, or are dropped', async () => {
    const folder = await drawPictures(temporaryFolder(), 3)
    await copyFile(join(folder, 'picture-1.png'), join(folder, 'copy.png'))
    const kept = await told(folder)
    expect(kept.text).toContain('1 of 4 pictures are byte-for-byte copies of others')
    const dropped = await told(folder, { duplicates: 'drop' })
    expect(jsonIn(dropped.folder, 'dataset.json')).toMatchObject({ count: 3, skipped: [{ path: expect.any(String) }] })
    expect(dropped.last.updates).toBe(3)
  })

  test.each<[ErrorCode, (folder: string) => string]>([
    ['DATA_EMPTY', (folder) => folder],
    ['DATA_NOT_FOUND', (folder) => join(folder, 'nothing')],
  ])('that are not there: %s, and no run folder', async (code, where) => {
    const out = join(temporaryFolder(), 'runs')
    const training = tinyRun(out, where(temporaryFolder()))
    expect(await errorOf(training)).toMatchObject({ name: 'ShinsakuError', code })
    expect([existsSync(out), training.folder]).toEqual([false, undefined])
  })
})

describe('failures', () => {
  test('a loss that is not a number: LOSS_NOT_FINITE to whoever awaits or iterates; the next run trains', async () => {
    // Without a second moment, a gradient near zero divides the first one by nothing.
    const training = run({ maxImages: ENDLESS, lr: 1, clipGradNorm: null, betas: [0.9, 0] })
    const [awaited, iterated] = await Promise.all([errorOf(training), errorOf(statusesOf(training))])
    expect(awaited).toMatchObject({ code: 'LOSS_NOT_FINITE', message: expect.stringMatching(/update \d+ of \d+/) })
    expect(iterated).toBe(awaited)
    expect(existsSync(join(training.folder!, 'checkpoints'))).toBe(false)
    expect((await run({ maxImages: 4 })).images).toBe(4)
  })

  test('memory that runs out: OUT_OF_MEMORY; the next run trains', async () => {
    // Attention between all pixels of one picture would take a terabyte.
    const training = run({ size: 512, dimMults: [1], batch: 1 })
    expect(await errorOf(training)).toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining('lower batch'),
    })
    expect((await run({ maxImages: 4 })).images).toBe(4)
  })

  test('wrong options: OPTION_INVALID lists every one, before anything is read or written', async () => {
    const out = join(temporaryFolder(), 'runs')
    const wrong = { data: '/nowhere', out, size: 7, batch: 0, lr: 'fast', epochs: 3, latent: 5, betas: [0.9, 2] }
    const error = await errorOf(trainAny(wrong as unknown as AnyCall))
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(error.code).toBe('OPTION_INVALID')
    const { problems } = error.details as { problems: { path: string; message: string }[] }
    const names = ['batch', 'betas.1', 'epochs', 'latent', 'lr', 'size']
    expect(problems.map(({ path }) => path).sort()).toEqual(names)
    for (const name of names) expect(error.message).toContain(name)
    expect(existsSync(out)).toBe(false)
  })
})
