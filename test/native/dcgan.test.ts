import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Addon, NativeInferenceModel, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallSpec, smallTrainer } from '../helpers/specs.ts'

type Log = [lossD: number, lossG: number, dReal: number, dFake: number][]
type Game = { size: number; batch: number; updates: number }
type PresetGame = Game & { log: Log; k: number; minimax: boolean }

/** Written by test/golden/make/dcgan.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/dcgan.json', import.meta.url), 'utf8')) as {
  parameters: Record<string, [generator: number, discriminator: number]>
  pytorch: Game & { initial: string }
  chainer: PresetGame[]
  radford: PresetGame[]
  made: (Made & { log: Log; final: string })[]
}

const variants = ['pytorch', 'chainer', 'radford'] as const
const series = ['lossD', 'lossG', 'dReal', 'dFake'] as const

const addon: Addon = await loadAddon()
const { cpuCapability } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

/** The pictures of the golden runs, 22 of them. */
async function goldenTrainer(options: AnyTrainOptions): Promise<NativeTrainer> {
  const spec = smallSpec({ model: 'dcgan', width: 8, latent: 20, ...options, threads: bits.cpu.threads, exact: true })
  const size = spec.size as number
  const pixels = new Uint8Array(22 * size * size * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
  return addon.trainer(spec, await addon.images(pixels, [22, size, size, 3], 'cpu'))
}

/** SHA-256 of both networks' tensors in the order of their names. */
async function digest(trainer: NativeTrainer): Promise<string> {
  const names = (await trainer.tensors()).map((tensor) => tensor.name)
  const sha = createHash('sha256')
  for (const name of names.filter((n) => /^(generator|discriminator)\./.test(n)).sort())
    sha.update(await trainer.tensor(name))
  return sha.digest('hex')
}

async function floats(trainer: NativeTrainer, name: string): Promise<Float32Array> {
  const bytes = await trainer.tensor(name)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

async function count(trainer: NativeTrainer, name: string): Promise<number> {
  const bytes = await trainer.tensor(name)
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true))
}

/** Largest relative difference of a unit's metrics from a golden log. */
async function distance(trainer: NativeTrainer, game: Game & { log: Log }): Promise<number> {
  const metrics = await trainer.step(game.updates)
  const differences = game.log.flatMap((row, update) =>
    series.map((name, j) => Math.abs(metrics[name]![update]! - row[j]!) / Math.abs(row[j]!)),
  )
  expect(differences).toHaveLength(4 * game.updates)
  return Math.max(...differences)
}

async function draw(
  model: NativeInferenceModel,
  seeds: number[],
  batchNorm: 'batch' | 'running',
  batch: number,
): Promise<Buffer> {
  const { pixels, steps } = await drawPixels(model, { seeds, batchNorm, batch })
  expect(steps).toBe(batchNorm === 'batch' ? 1 : Math.ceil(seeds.length / batch))
  return pixels
}

describe('networks', () => {
  test.each(Object.entries(golden.parameters))('%s px has the parameters of its source', async (name, [g, d]) => {
    const [variant, size] = name.split(' ')
    const options = {
      model: 'dcgan',
      variant: variant as 'pytorch',
      size: Number(size),
      width: variant === 'radford' ? 128 : 64,
    }
    const { layers, parameters } = await addon.describe(smallSpec({ ...(options as AnyTrainOptions), latent: 100 }))
    const sum = (net: string) =>
      layers.filter((layer) => layer.name.startsWith(net)).reduce((total, layer) => total + layer.parameters, 0)
    expect([sum('generator.'), sum('discriminator.')]).toEqual([g, d])
    expect(parameters).toBe(g + d)
  })

  test.each([
    ['pytorch', 'main.0 main.1 main.3 main.4 main.6 main.7 main.9', 'main.0 main.2 main.3 main.5 main.6 main.8'],
    ['chainer', 'l0z bn0l dc1 bn1 dc2 bn2 dc3', 'c0 c1 bn1 c2 bn2 l3l'],
    ['radford', 'project norm0 deconv1 norm1 deconv2 norm2 deconv3', 'conv0 conv1 norm1 conv2 norm2 head'],
  ] as const)('variant %s names its tensors as its source does', async (variant, g, d) => {
    const names = (await (await goldenTrainer({ variant })).tensors()).map((tensor) => tensor.name)
    const layers = (net: string) =>
      names.flatMap((name) => (name.startsWith(net) && name.endsWith('.weight') ? [name.slice(net.length, -7)] : []))
    expect(layers('generator.').join(' ')).toBe(g)
    expect(layers('discriminator.').join(' ')).toBe(d)
    expect(names.some((name) => name.endsWith('num_batches_tracked'))).toBe(variant === 'pytorch')
  })
})

describe('variant pytorch', () => {
  const run = () => goldenTrainer({ size: golden.pytorch.size, batch: golden.pytorch.batch, flip: false })

  test(`follows pytorch/examples for 9 updates ${promise}`, async () => {
    const trainer = await run()
    // Weights are normal draws, whose last bits are others without AVX2.
    if (cpuCapability !== 'DEFAULT') expect(await digest(trainer)).toBe(golden.pytorch.initial)
    expect(await distance(trainer, { ...golden.pytorch, ...bits })).toBeLessThan(exact ? 1e-6 : 1e-4)
    if (exact) expect(await digest(trainer)).toBe(bits.final)
  })
})

describe.each(['chainer', 'radford'] as const)('variant %s', (variant) => {
  test.each(golden[variant])('follows its equations ($k discriminator updates, minimax $minimax)', async (game) => {
    const { size, batch, k, minimax } = game
    const ganLoss = minimax ? 'minimax' : 'non-saturating'
    const options = { variant, size, batch, ganLoss, discriminatorUpdates: k, flip: variant === 'chainer' } as const
    expect(await distance(await goldenTrainer(options), game)).toBeLessThan(1e-5)
  })

  test('a batch of one cannot be normalised: DATA_TOO_FEW', async () => {
    const spec = { ...smallSpec({ model: 'dcgan', variant }), batch: 1 }
    const images = await addon.images(new Uint8Array(32 * 32 * 3), [1, 32, 32, 3], 'cpu')
    const trainer = await addon.trainer(spec, images)
    await expect(trainer.step(1)).rejects.toMatchObject({
      code: 'DATA_TOO_FEW',
      message: expect.stringMatching(/at least 2 values/),
    })
  })
})

describe.each(variants)('training %s', (variant) => {
  const options = { model: 'dcgan', variant } as const

  test('keeps finite losses that move, and moves every weight, in 20 updates', async () => {
    const trainer = await smallTrainer(addon, options)
    const names = (await trainer.tensors())
      .map((t) => t.name)
      .filter((n) => /^(generator|discriminator)\..*weight$/.test(n))
    const before = await Promise.all(names.map((name) => trainer.tensor(name)))
    const metrics = await trainer.step(20)
    for (const name of [...series, 'learningRate']) expect(metrics[name]).toHaveLength(20)
    for (const name of series) {
      expect(metrics[name]!.every(Number.isFinite)).toBe(true)
      expect(new Set(metrics[name]).size).toBeGreaterThan(15)
    }
    expect([...metrics.dReal!, ...metrics.dFake!].every((p) => p > 0 && p < 1)).toBe(true)
    for (const [i, name] of names.entries()) {
      expect(Buffer.compare(await trainer.tensor(name), before[i]!), name).not.toBe(0)
    }
  })

  test.each([1, 3, 4] as const)('takes and draws pictures of %i channels', async (channels) => {
    const trainer = await smallTrainer(addon, { ...options, channels })
    await trainer.step(1)
    const pixels = await draw(await trainer.inferenceModel('raw'), [1, 2], 'batch', 2)
    expect(pixels).toHaveLength(2 * 32 * 32 * channels)
    expect(new Set(pixels).size).toBeGreaterThan(8)
  })

  test('bf16 stays near fp32', async () => {
    const [exact, rough] = await Promise.all(
      (['fp32', 'bf16'] as const).map(async (precision) =>
        (await smallTrainer(addon, { ...options, precision })).step(1),
      ),
    )
    for (const name of series) {
      expect(rough![name]![0]).not.toBe(exact![name]![0])
      expect(Math.abs(rough![name]![0]! - exact![name]![0]!)).toBeLessThan(0.05)
    }
  })

  test('clipGradNorm limits the moments that Adam sees', async () => {
    const largest = async (limit: { clipGradNorm?: number }) => {
      const trainer = await smallTrainer(addon, { ...options, ...limit, weightDecay: 0 })
      await trainer.step(1)
      const names = (await trainer.tensors()).map((tensor) => tensor.name)
      const norm = async (net: string) => {
        let sum = 0
        for (const name of names.filter((n) => n.startsWith(`optimizer.exp_avg.${net}.`))) {
          for (const m of await floats(trainer, name)) sum += (m / 0.5) ** 2
        }
        return Math.sqrt(sum)
      }
      return [await norm('generator'), await norm('discriminator')]
    }
    for (const norm of await largest({})) expect(norm).toBeGreaterThan(0.01)
    for (const norm of await largest({ clipGradNorm: 0.01 })) expect(norm).toBeCloseTo(0.01, 5)
  })
})

describe('updates', () => {
  test('see k discriminator steps and accumulated batches of their own', async () => {
    const options: AnyTrainOptions = { model: 'dcgan', batch: 2, discriminatorUpdates: 3, accumulate: 2 }
    const trainer = await smallTrainer(addon, options, 12)
    expect((await trainer.step(2)).images).toEqual([12, 24])
    // One generator pass for each batch; the discriminator also judges for the generator's step.
    expect(await count(trainer, 'generator.main.1.num_batches_tracked')).toBe(2 * 3 * 2)
    expect(await count(trainer, 'discriminator.main.3.num_batches_tracked')).toBe(2 * (3 * 2 * 2 + 2))
    expect(await count(trainer, 'optimizer.discriminator.step')).toBe(2 * 3)
    expect(await count(trainer, 'optimizer.generator.step')).toBe(2)
  })

  test.each(variants)('of the minimax game of %s minimise log(1 - D(G(z)))', async (variant) => {
    const first = async (ganLoss: 'minimax' | 'non-saturating') =>
      (await (await smallTrainer(addon, { model: 'dcgan', variant, ganLoss })).step(1)).lossG![0]!
    // Of the same probabilities p, the means of log(1 - p) and -log p. By Jensen's inequality the first is at most
    // log(1 - mean p), and the mean of p at least exp(-second).
    const [minimax, usual] = [await first('minimax'), await first('non-saturating')]
    const bound = Math.log(1 - Math.exp(-usual))
    expect(minimax).toBeLessThanOrEqual(bound)
    expect(minimax).toBeGreaterThan(bound - 0.5)
  })

  test('repeat from one seed, and go on after load as if nothing had happened', async () => {
    for (const variant of variants) {
      const make = () => smallTrainer(addon, { model: 'dcgan', variant, emaDecay: 0.9 })
      const [one, two] = [await make(), await make()]
      await one.step(3)
      const state = await Promise.all(
        (await one.tensors()).map(async (t) => ({ ...t, bytes: await one.tensor(t.name) })),
      )
      await two.load(state, 'same')
      await Promise.all([one.step(2), two.step(2)])
      for (const { name } of await one.tensors()) {
        expect(Buffer.compare(await one.tensor(name), await two.tensor(name)), `${variant} ${name}`).toBe(0)
      }
    }
  })
})

describe('drawing', () => {
  test.each(variants)('%s: one seed is one picture wherever it stands, with running statistics', async (variant) => {
    const trainer = await smallTrainer(addon, { model: 'dcgan', variant })
    await trainer.step(2)
    const generator = await trainer.inferenceModel('raw')
    const [all, reversed, alone] = [
      await draw(generator, [5, 6, 7, 8, 9], 'running', 2),
      await draw(generator, [9, 8, 7, 6, 5], 'running', 2),
      await draw(generator, [7], 'running', 2),
    ]
    const picture = (sheet: Buffer, i: number) => sheet.subarray(i * 3072, (i + 1) * 3072)
    for (let i = 0; i < 5; i++) expect(Buffer.compare(picture(all, i), picture(reversed, 4 - i))).toBe(0)
    expect(Buffer.compare(alone, picture(all, 2))).toBe(0)
    expect(Buffer.compare(picture(all, 0), picture(all, 1))).not.toBe(0)
  })

  test('statistics of the batch are those of all pictures together', async () => {
    const generator = await (await smallTrainer(addon, { model: 'dcgan' })).inferenceModel('raw')
    const [two, three] = [await draw(generator, [1, 2], 'batch', 1), await draw(generator, [1, 2, 3], 'batch', 1)]
    expect(Buffer.compare(two, three.subarray(0, two.length))).not.toBe(0)
    expect(Buffer.compare(two, await draw(generator, [1, 2], 'batch', 2))).toBe(0)
  })

  test.each(variants)('%s draws before its first update: grey with running statistics', async (variant) => {
    const generator = await (await smallTrainer(addon, { model: 'dcgan', variant })).inferenceModel('raw')
    const running = await draw(generator, [1, 2], 'running', 1)
    expect(running.every((value) => Math.abs(value - 128) < 16)).toBe(true)
    expect(new Set(await draw(generator, [1, 2], 'batch', 1)).size).toBeGreaterThan(8)
  })

  test('the average is drawn as "ema", and its absence is CHECKPOINT_MISMATCH', async () => {
    const trainer = await smallTrainer(addon, { model: 'dcgan', emaDecay: 0.9 })
    await trainer.step(2)
    const last = (await trainer.tensors()).find((tensor) => tensor.name === 'ema.generator.main.9.weight')!
    await trainer.load([{ ...last, bytes: new Uint8Array((await trainer.tensor(last.name)).length) }], 'same')
    const [ema, raw] = [await trainer.inferenceModel('ema'), await trainer.inferenceModel('raw')]
    // Without its last weights the averaged network gives the middle of the range everywhere.
    expect(new Set(await draw(ema, [1], 'batch', 1))).toEqual(new Set([128]))
    expect(new Set(await draw(raw, [1], 'batch', 1)).size).toBeGreaterThan(8)
    const without = await smallTrainer(addon, { model: 'dcgan' })
    await expect(without.inferenceModel('ema')).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/emaDecay/),
    })
  })

  test('a generator comes from its tensors alone, and a missing one is named: CHECKPOINT_MISMATCH', async () => {
    const trainer = await smallTrainer(addon, { model: 'dcgan' })
    await trainer.step(1)
    const infos = (await trainer.tensors()).filter((tensor) => tensor.name.startsWith('generator.'))
    const tensors = await Promise.all(infos.map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))
    const spec = smallSpec({ model: 'dcgan' })
    const generator = await addon.inferenceModel(spec, tensors)
    const expected = await draw(await trainer.inferenceModel('raw'), [3], 'running', 1)
    expect(Buffer.compare(await draw(generator, [3], 'running', 1), expected)).toBe(0)
    await expect(addon.inferenceModel(spec, tensors.slice(1))).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining(tensors[0]!.name),
    })
  })
})
