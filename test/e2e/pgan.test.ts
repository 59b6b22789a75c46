/** The PGAN from outside: files of the zoo sampled as its own program does, described, trained on, and a run of our own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { exportWeights, importCheckpoint, load, type SampleCall, type TrainOptions, train } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { useOwnCache } from '../helpers/runs.ts'
import { fileOf, fixture } from '../helpers/torch-files.ts'

useOwnCache()

type PganOptions = Extract<TrainOptions, { model: 'pgan' }>

/** Written by test/golden/make/pgan_files.py: pixels of these seeds, by the zoo's networks in PyTorch. */
const golden = JSON.parse(readFileSync(new URL('../golden/pgan-files.json', import.meta.url), 'utf8')) as {
  seeds: number[]
} & Record<'raw' | 'average' | 'fading' | 'stretched', number[]>

const furthest = (pixels: Uint8Array, wanted: readonly number[]) =>
  Math.max(...wanted.map((value, i) => Math.abs(value - pixels[i]!)))

async function pixelsOf(path: string, options: SampleCall): Promise<Uint8Array> {
  await using model = await load(path, { device: 'cpu', threads: 1 })
  return (await model.sample({ seeds: golden.seeds, ...options })).pixels
}

describe.each(['pgan-legacy', 'pgan-zip'])('%s', (name) => {
  test('gives the pixels of PyTorch: averaged weights, latest ones, stretched', async () => {
    const path = fileOf(fixture(name), 'tiny.pth')
    for (const [wanted, options] of [
      ['average', {}],
      ['raw', { weights: 'raw' }],
      ['stretched', { stretch: true }],
    ] as const) {
      const pixels = await pixelsOf(path, options)
      expect(pixels).toHaveLength(golden[wanted].length)
      expect(furthest(pixels, golden[wanted]), wanted).toBeLessThan(2)
    }
  })
})

test('a file that was saved inside a fade is sampled inside it', async () => {
  expect(furthest(await pixelsOf(fileOf(fixture('pgan-fading'), 'tiny.pth'), {}), golden.fading)).toBeLessThan(2)
})

test('the command line: a grid of a file, and its networks as PyTorch prints them', async () => {
  const path = fileOf(fixture('pgan-legacy'), 'tiny.pth')
  const grid = join(temporaryFolder(), 'grid.png')
  const sampled = await shinsaku('sample', path, '-n', '4', '--seed', '1', '-o', grid, '--stretch')
  expect(sampled).toMatchObject({ code: 0, stdout: `${grid}\n` })
  expect((await sharp(grid).metadata()).width).toBe(2 * (8 + 2) + 2)
  const { code, stdout } = await shinsaku('describe', path, '--layers')
  expect(code).toBe(0)
  expect(stdout).toBe(readFileSync(new URL('../golden/pgan-layers.txt', import.meta.url), 'utf8'))
})

test('an import goes on with training at the scale of the file, and an export is read back', async () => {
  const folder = temporaryFolder()
  const { run } = await importCheckpoint(fileOf(fixture('pgan-legacy'), 'tiny.pth'), { out: folder, batch: 4 })
  const model = await train({
    model: 'pgan',
    data: 'builtin:icons:8',
    resume: run,
    device: 'cpu',
    threads: 1,
    allowChanges: ['maxImages', 'guard', 'previews', 'data'],
    maxImages: 768_000 + 307_200 + 8,
    guard: false,
    previews: 0,
  } as TrainOptions)
  expect(model.images).toBeGreaterThanOrEqual(1_075_208)
  const own = await model.sample({ seeds: [1], weights: 'raw' })
  model.dispose()
  const path = join(folder, 'generator.safetensors')
  await exportWeights(run, path, { weights: 'raw' })
  await using exported = await load(path, { device: 'cpu', threads: 1 })
  expect(furthest((await exported.sample({ seeds: [1] })).pixels, [...own.pixels])).toBeLessThan(2)
})

test('a run from 4 to 16 px: scales on record, kept between two calls, walked through', async () => {
  const options: PganOptions = {
    model: 'pgan',
    variant: 'small',
    data: 'builtin:icons:16',
    out: temporaryFolder(),
    size: 16,
    widths: [8, 8, 8],
    latent: 8,
    batch: 4,
    scaleImages: 16,
    fadeImages: 8,
    device: 'cpu',
    threads: 1,
    previews: 1,
    checkpointImages: 8,
    logImages: 4,
  }
  const first = await train({ ...options, maxImages: 16 })
  const resumed = await train({ ...options, maxImages: 44, resume: true, allowChanges: ['maxImages'] })
  const scales = readFileSync(join(first.run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { scale: number }).scale)
  expect([scales[0], scales.at(-1)]).toEqual([4, 16])
  const pictures = await resumed.between(1, 2, 3)
  expect(pictures.map(({ size }) => size)).toEqual([16, 16, 16])
  first.dispose()
  resumed.dispose()
})
