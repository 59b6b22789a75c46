/** The copy guard of real runs: it moves no bit of training, leaves its records, and decides which checkpoint is the best. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { evaluate, load, type Model, type Status, train, verify } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { scanAll } from '../helpers/events.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { flat, noise } from '../helpers/pictures.ts'
import {
  type AnyCall,
  checkpointsOf,
  errorOf,
  linesOf,
  newestOf,
  sharedFolder,
  statusesOf,
  tinyRun,
  useOwnCache,
  usePictures,
} from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(16)

/** It may take as long as training does, so that it looks in a run of a second. */
const guarded: AnyCall = { guard: true, guardTime: 1, holdout: 6, checkpointImages: 40, logImages: 40 }
/** Few denoising steps, so that samples are cheap. */
const diffusion: AnyCall = { ...guarded, timesteps: 6 }

// biome-ignore lint/suspicious/noExplicitAny: what is in a line is what the tests ask
const looksOf = (folder: string): any[] => linesOf(folder).filter(({ guard }) => guard !== undefined)
const bytesOf = (folder: string, file: string) => readFileSync(join(newestOf(folder), file))

describe('a guarded run', () => {
  const models: AnyCall[] = [
    diffusion,
    { ...diffusion, exact: true },
    { ...diffusion, pixelStore: 'file' },
    { ...guarded, model: 'dcgan' },
    { ...guarded, model: 'stylegan2' },
  ]
  test.each(models)('has the bits of one without: %o', async (options) => {
    const out = temporaryFolder()
    const { run: plain } = await tinyRun(out, data, { ...options, maxImages: 160, guard: false })
    const { run } = await tinyRun(out, data, { ...options, maxImages: 160 })
    expect([looksOf(plain).length, looksOf(run).length > 0]).toEqual([0, true])
    for (const file of ['model.safetensors', 'optimizer.safetensors'])
      expect(bytesOf(run, file).equals(bytesOf(plain, file)), file).toBe(true)
  })
})

test('of a GAN it says what the discriminator thinks of training pictures, held-out ones and samples', async () => {
  const { run } = await tinyRun(temporaryFolder(), data, { ...guarded, model: 'stylegan2', maxImages: 80 })
  const [gap] = looksOf(run).at(-1)!.guard.gaps
  expect(gap).toMatchObject({ name: 'discriminator', n: 6 })
  for (const value of [gap.train, gap.heldOut, gap.fake]) expect(Number.isFinite(value)).toBe(true)
  expect(gap.fake).not.toBeCloseTo(gap.train, 6)
})

describe('what it leaves', () => {
  const out = sharedFolder()
  let statuses: Status[]
  let folder: string
  let model: Model
  const lines: string[] = []
  beforeAll(async () => {
    const options = { ...diffusion, maxImages: 200, keepCheckpoints: 1 }
    const run = tinyRun(out, data, { ...options, onLog: (line) => lines.push(line) })
    statuses = await statusesOf(run)
    model = await run
    folder = model.run
  })

  test('in metrics.jsonl and the newest status: gaps with bounds, and copies of samples and of held-out pictures', async () => {
    const { guard, images } = looksOf(folder).at(-1)!
    expect(guard.gaps.map(({ name }: { name: string }) => name)).toEqual(['logSnr-3', 'logSnr0', 'logSnr3'])
    for (const { train: mine, heldOut, value, low, high, n } of guard.gaps) {
      expect(value).toBeCloseTo(heldOut - mine, 10)
      expect([low <= value, value <= high, n]).toEqual([true, true, 6])
    }
    expect(guard).toMatchObject({ copyShare: { n: expect.any(Number) }, copyShareHeldOut: { n: 6 }, pixels: 16 })
    expect(guard.copyShare.n).toBeGreaterThanOrEqual(32)
    expect(statuses.at(-1)).toMatchObject({ guard: { copyShare: guard.copyShare } })
    expect(images).toBe(Number(checkpointsOf(folder).at(-1)))
    const { checks } = await verify(folder)
    expect(checks.find((check) => check.path === 'metrics.jsonl')).toMatchObject({ state: 'whole' })
  })

  test('in the event file and the log', async () => {
    const [events] = readdirSync(folder).filter((name) => name.startsWith('events.'))
    const { records } = await scanAll(join(folder, events!))
    const tags = new Set(records.flatMap((record) => record.tags))
    for (const tag of ['guard/copyShare', 'guard/copyShare/low', 'guard/gap/logSnr0', 'guard/train/logSnr3'])
      expect(tags, tag).toContain(tag)
    expect(lines.filter((line) => /hardly a window/.test(line))).toHaveLength(1)
    expect(lines.some((line) => /at \d+ images.*samples are near copies/.test(line))).toBe(true)
  })

  test('checkpoints at doublings beside the newest', () => {
    expect(checkpointsOf(folder).map(Number)).toEqual([40, 80, 160, 200])
  })

  test('which load() and the command line choose from', async () => {
    expect((await load(folder, { at: 80 })).images).toBe(80)
    expect(await errorOf(load(folder, { at: 81 }))).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('there are: 40, 80, 160, 200'),
    })
    expect(await errorOf(load(folder, { at: 'last' as 'best' }))).toMatchObject({ code: 'OPTION_INVALID' })
    const grid = join(temporaryFolder(), 'grid.png')
    const sampled = await shinsaku('sample', folder, '--at', '80', '-o', grid, '--json')
    expect([sampled.code, JSON.parse(sampled.stdout).images]).toEqual([0, 80])
    const wrong = await shinsaku('sample', folder, '--at', '7', '-o', grid)
    expect([wrong.code, wrong.stderr.includes('there are: 40')]).toEqual([2, true])
  })

  test('the best one is before the warning, and a run that goes on knows of it: stopOnCopies ends it at once', async () => {
    const path = join(folder, 'metrics.jsonl')
    const before = readFileSync(path)
    const last = { images: 200, guard: { ...looksOf(folder).at(-1)!.guard, warned: ['copies'] } }
    // Whatever this run has found: its only warning is at the end.
    writeFileSync(path, before.toString().replaceAll(/"warned":\[[^\]]*\]/g, '"warned":[]'))
    appendFileSync(path, `${JSON.stringify(last)}\n`)
    const best = await load(folder, { at: 'best' })
    expect([best.images, best.note]).toEqual([
      160,
      expect.stringMatching(/before the copy guard warned of copies, at 200 images/),
    ])
    const sampled = await shinsaku('sample', folder, '--at', 'best', '-o', join(temporaryFolder(), 'grid.png'))
    expect([sampled.code, sampled.stderr]).toEqual([0, expect.stringContaining('warned of copies, at 200 images')])
    const few = { count: 2, steps: 2, extractor: 'none' } as const
    const measured = await evaluate(folder, { ...few, at: 'best' })
    expect([measured.images, measured.note]).toEqual([160, best.note])
    expect((await evaluate(folder, { ...few, at: 80 })).folder).toBe(join(folder, 'evaluation', '000000080'))
    expect(await errorOf(evaluate(folder, { ...few, at: 81 }))).toMatchObject({ code: 'OPTION_INVALID' })
    const flags = ['--count', '2', '--steps', '2', '--extractor', 'none', '--json']
    const { code, stdout, stderr } = await shinsaku('evaluate', folder, '--at', 'best', ...flags)
    expect([code, JSON.parse(stdout).images, stderr.includes('warned of copies, at 200 images')]).toEqual([
      0,
      160,
      true,
    ])
    const resumed = await shinsaku('train', data, '--resume', folder, '--max-images', '1000', '--stop-on-copies')
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringMatching(/Ends at 200 images, because stopOnCopies/),
    ])
    expect((await train({ resume: folder, data, maxImages: 220, stopOnCopies: false })).images).toBe(220)
    expect(looksOf(folder).filter(({ guard }) => guard.warned.includes('copies'))).toHaveLength(1)
  })
})

test('stopOnCopies ends a run that learns its only drawing by heart, at the first look that proves it', async () => {
  const pictures = temporaryFolder()
  // One flat picture in ten files, which do not fit into what is held out; six of noise do.
  for (let i = 0; i < 10; i++)
    writeFileSync(
      join(pictures, `flat-${i}.png`),
      await flat([200 + (i % 3), 90, 40 + (i >> 2)])
        .png()
        .toBuffer(),
    )
  for (let i = 0; i < 6; i++) {
    const raw = { width: 16, height: 16, channels: 3 } as const
    const pixels = Uint8Array.from({ length: 768 }, (_, at) => noise(768 * i + at) & 255)
    writeFileSync(join(pictures, `noise-${i}.png`), await sharp(pixels, { raw }).png().toBuffer())
  }
  const lines: string[] = []
  const options = { ...diffusion, lr: 3e-3, stopOnCopies: true, maxImages: 20_000 }
  const model = await tinyRun(temporaryFolder(), pictures, { ...options, onLog: (line) => lines.push(line) })
  const warned = looksOf(model.run).filter(({ guard }) => guard.warned.length > 0)
  expect(warned).toMatchObject([{ images: model.images, guard: { copyShare: null, warned: ['gap'] } }])
  expect(model.images).toBeLessThan(20_000)
  expect(lines).toContainEqual(expect.stringContaining(`Ends at ${model.images} images, because stopOnCopies is set`))
  expect(lines.some((line) => /^Warning: copy guard at .* loss of held-out pictures .*--at best/.test(line))).toBe(true)
})

describe('options', () => {
  test('stopOnCopies without a guard, and a share of time that is none: OPTION_INVALID', async () => {
    for (const options of [
      { stopOnCopies: true, exact: true },
      { stopOnCopies: true, guard: false },
      { guardTime: 0 },
      { guardTime: 2 },
    ])
      expect(await errorOf(tinyRun(temporaryFolder(), data, options))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('without held-out pictures the share of copies stands alone, and the log says so', async () => {
    const lines: string[] = []
    const { run } = await tinyRun(temporaryFolder(), data, {
      ...diffusion,
      holdout: 0,
      maxImages: 120,
      onLog: (line) => lines.push(line),
    })
    expect(lines.some((line) => /no pictures are held out/.test(line))).toBe(true)
    expect(looksOf(run)[0]).toMatchObject({
      guard: { gaps: [], copyShareHeldOut: null, copyShare: { n: expect.any(Number) } },
    })
  })
})
