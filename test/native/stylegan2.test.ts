/** StyleGAN2's numbers beside those of its Python statement, its state, and how it samples. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Addon, HostTensor, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { parameterCount } from '../../lib/native/parameters.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallSpec, smallTrainer } from '../helpers/specs.ts'

const series = ['lossG', 'lossD', 'dReal', 'dFake', 'r1', 'pathLength', 'augmentP'] as const
type Game = { log: number[][]; final: string; ema: string }

/** Written by test/golden/make/stylegan2.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/stylegan2.json', import.meta.url), 'utf8')) as {
  parameters: Record<string, [generator: number, discriminator: number]>
  initial: string
  numpy: Record<string, number[]>
  made: (Made & { games: Record<string, Game> })[]
}

const addon: Addon = await loadAddon()
const { cpuCapability, cpuOps } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

/** Picture i is of class i % 3. */
const classes = {
  from: 'folders',
  attributes: [{ name: 'class', kind: 'class' as const, values: ['a', 'b', 'c'], counts: [8, 7, 7] }],
}
const rowsOf = (count: number) => Float32Array.from({ length: 4 * count }, (_, i) => +(i % 4 === Math.floor(i / 4) % 3))

const own: Record<string, AnyTrainOptions> = {
  'non-saturating': { augment: 'none' },
  'non-saturating, diffaugment': { augment: 'diffaugment', r1Gamma: 0.5, pathLengthEvery: 1, emaRamp: null },
  'non-saturating, ada for drawings': { augment: 'ada', r1Gamma: 0.5, augmentImages: 60, augmentTarget: 0.2 },
  'non-saturating, ada as published': { augment: 'ada', augmentSet: 'published', augmentP: 0.7, r1Gamma: 0.5 },
  'non-saturating, three classes': { augment: 'none', r1Gamma: 0.5, labels: classes },
  relativistic: { variant: 'r3gan', augment: 'none', lr: 2.5e-3 },
}

/** The pictures of the golden runs, 22 of them. */
async function goldenTrainer(options: AnyTrainOptions): Promise<NativeTrainer> {
  const all: AnyTrainOptions = { model: 'stylegan2', batch: 8, flip: false, ...options }
  const spec = smallSpec({ ...all, threads: bits.cpu.threads, exact: true })
  const pixels = new Uint8Array(22 * 32 * 32 * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
  const rows = options.labels === undefined ? undefined : rowsOf(22)
  return addon.trainer(spec, await addon.images(pixels, [22, 32, 32, 3], 'cpu', rows))
}

/** SHA-256 of the tensors with this beginning, in the order of their names. */
async function digest(trainer: NativeTrainer, prefix: RegExp): Promise<string> {
  const names = (await trainer.tensors()).map(({ name }) => name).filter((name) => prefix.test(name))
  const sha = createHash('sha256')
  for (const name of names.sort()) sha.update(await trainer.tensor(name))
  return sha.digest('hex')
}

async function stateOf(trainer: NativeTrainer): Promise<HostTensor[]> {
  const state: HostTensor[] = []
  for (const info of await trainer.tensors()) state.push({ ...info, bytes: await trainer.tensor(info.name) })
  return state
}

const digests = (state: readonly HostTensor[]) =>
  Object.fromEntries(state.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')]))

test.each(Object.entries(golden.parameters))('%s px has the published parameters', async (size, [g, d]) => {
  const spec = smallSpec({
    model: 'stylegan2',
    size: Number(size),
    channelBase: 16384,
    channelMax: 512,
    latent: 512,
  })
  const description = await addon.describe(spec)
  expect(parameterCount('stylegan2', description)).toEqual({ generator: g, discriminator: d })
  expect(description.parameters).toBe(g + d)
})

test.each(Object.keys(own))(`%s follows the Python statement for 20 updates ${promise}`, async (name) => {
  const trainer = await goldenTrainer(own[name]!)
  if (cpuCapability !== 'DEFAULT' && own[name]!.labels === undefined)
    expect(await digest(trainer, /^(generator|discriminator)\./)).toBe(golden.initial)
  const metrics = await trainer.step(20)
  const { log, final, ema } = bits.games[name]!
  // Without augmentation there is no p.
  const kept = series.filter((key) => key in metrics || key !== 'augmentP')
  const far = log.map((row, update) =>
    Math.max(
      ...kept.map((key) => {
        const expected = row[series.indexOf(key)]!
        return Math.abs(metrics[key]![update]! - expected) / Math.max(Math.abs(expected), 1e-6)
      }),
    ),
  )
  expect(far[0]).toBeLessThan(exact ? 1e-6 : 1e-3)
  if (!exact) return
  expect(Math.max(...far)).toBeLessThan(1e-6)
  expect(await digest(trainer, /^(generator|discriminator)\./)).toBe(final)
  expect(await digest(trainer, /^ema\.generator\./)).toBe(ema)
})

const kinds: Record<string, AnyTrainOptions> = {
  ada: { variant: 'ada', augmentImages: 40 },
  'ada, published set, fixed': { augment: 'ada', augmentSet: 'published', augmentP: 0.7, channels: 4 },
  'paper, accumulating': { variant: 'paper', channelBase: 256, accumulate: 2, r1Every: 2, emaRamp: 0.5 },
  'r3gan, one channel': { variant: 'r3gan', channels: 1 },
}

describe.each(Object.entries(kinds))('training %s', (_, options) => {
  const given: AnyTrainOptions = { model: 'stylegan2', ...options }

  test('is the same bytes, interrupted or not: p, path length, mean of w and averages are in the state', async () => {
    const straight = await smallTrainer(addon, given, 10, cpuOps)
    const metrics = await straight.step(6)
    for (const [name, values] of Object.entries(metrics)) expect(values.every(Number.isFinite), name).toBe(true)
    const first = await smallTrainer(addon, given, 10, cpuOps)
    await first.step(3)
    const second = await smallTrainer(addon, given, 10, cpuOps)
    await second.load(await stateOf(first), 'same')
    const rest = [await second.step(1), await second.step(2)]
    for (const [name, values] of Object.entries(metrics))
      expect(
        rest.flatMap((part) => part[name]!),
        name,
      ).toEqual(values.slice(3))
    expect(digests(await stateOf(second))).toEqual(digests(await stateOf(straight)))
    for (const trainer of [straight, first, second]) trainer.dispose()
  })
})

test('the mean of w, the path length and p move', async () => {
  const trainer = await smallTrainer(addon, { model: 'stylegan2', augmentImages: 40 })
  const before = digests(await stateOf(trainer))
  await trainer.step(4)
  const after = digests(await stateOf(trainer))
  for (const name of ['generator.mapping.w_avg', 'optimizer.path_length', 'optimizer.r1', 'optimizer.augment_p'])
    expect(after[name], name).not.toBe(before[name])
  expect(after['generator.synthesis.b8.conv0.noise_const']).toBe(before['generator.synthesis.b8.conv0.noise_const'])
  trainer.dispose()
})

describe('sampling', () => {
  const usual = { batch: 2, truncation: 1, noise: 'const', latents: 'torch' } as const
  const model = async () => {
    const trainer = await smallTrainer(addon, { model: 'stylegan2' }, 10, cpuOps)
    await trainer.step(2)
    return trainer.inferenceModel('raw')
  }

  test('a seed is one picture, whatever is beside it', async () => {
    const network = await model()
    const { pixels } = await drawPixels(network, { ...usual, seeds: [3, 4] })
    const alone = await drawPixels(network, { ...usual, seeds: [4] })
    expect(pixels.subarray(pixels.length / 2).equals(alone.pixels)).toBe(true)
  })

  test('truncation 0 gives every seed the mean picture; noise and seeds of NumPy give others', async () => {
    const network = await model()
    const draw = async (args: object) => (await drawPixels(network, { ...usual, seeds: [3, 4], ...args })).pixels
    const mean = await draw({ truncation: 0 })
    expect(mean.subarray(0, mean.length / 2).equals(mean.subarray(mean.length / 2))).toBe(true)
    const pictures = await Promise.all(
      [{}, { truncation: 0.5 }, { latents: 'numpy' }, { noise: 'none' }, { noise: 'random' }].map(draw),
    )
    expect(new Set(pictures.map((p) => p.toString('base64'))).size).toBeGreaterThanOrEqual(3)
  })

  test('a walk goes straight through w: at 0 the seed, half-way the mean of two', async () => {
    const network = await model()
    const draw = async (args: Spec & { seeds: number[] }) =>
      (await drawPixels(network, { ...usual, ...args, batch: 1 })).pixels
    const at = (mix: number) => draw({ seeds: [3], toSeeds: [4], mix: [mix] })
    expect((await at(0)).equals(await draw({ seeds: [3] }))).toBe(true)
    expect((await at(1)).equals(await draw({ seeds: [4] }))).toBe(true)
    expect((await at(0.5)).equals(await draw({ seeds: [4], toSeeds: [3], mix: [0.5] }))).toBe(true)
    expect((await at(0.5)).equals(await at(0))).toBe(false)
  })

  test('mixing from 4 px on is the other seed, beyond the picture none of it', async () => {
    const network = await model()
    const draw = async (args: object) => (await drawPixels(network, { ...usual, seeds: [3], ...args })).pixels
    expect((await draw({ mixSeed: 9, mixFrom: 4 })).equals(await draw({ seeds: [9] }))).toBe(true)
    const mixed = await draw({ mixSeed: 9, mixFrom: 16 })
    expect(mixed.equals(await draw({}))).toBe(false)
    expect(mixed.equals(await draw({ seeds: [9] }))).toBe(false)
  })

  test.each(Object.entries(golden.numpy))("NumPy's seed %s gives NumPy's numbers", async (seed, normals) => {
    // Latents that are given and latents of the seed make the same picture.
    const trainer = await smallTrainer(addon, { model: 'stylegan2', latent: 9 }, 10, cpuOps)
    const network = await trainer.inferenceModel('raw')
    const given = { latents: { shape: [1, 9], values: new Float32Array(normals) } }
    const values = async (args: object, inputs?: typeof given) => {
      const sampler = await network.sampler({ ...usual, ...args, seeds: [Number(seed)] }, inputs)
      await sampler.step()
      return sampler.values()
    }
    expect(Buffer.from(await values({ latents: 'numpy' }))).toEqual(Buffer.from(await values({}, given)))
  })
})
