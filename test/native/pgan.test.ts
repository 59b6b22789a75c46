/** The PGAN beside pytorch_GAN_zoo's: networks, losses and weights to the bit, growth, resuming, sampling at every stage. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Addon, HostTensor, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'

type Row = [lossD: number, gradientPenalty: number, lossG: number, scale: number, alpha: number]

/** Written by test/golden/make/pgan.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/pgan.json', import.meta.url), 'utf8')) as {
  latent: number
  widths: number[]
  batch: number
  updates: number
  scaleImages: number
  fadeImages: number
  fadeSteps: number
  initial: string
  made: (Made & { log: Row[]; final: string; average: string })[]
}

const addon: Addon = await loadAddon()
const { cpuCapability } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

const { latent, widths, batch, scaleImages, fadeImages, fadeSteps } = golden
const schedule = { latent, widths, batch, scaleImages, fadeImages, fadeSteps }
const small: AnyTrainOptions = { model: 'pgan', size: 16, ...schedule, flip: false }

async function goldenTrainer(options: AnyTrainOptions = {}): Promise<NativeTrainer> {
  const spec = smallSpec({ ...small, threads: bits.cpu.threads, exact: true, ...options })
  const pixels = new Uint8Array(22 * 16 * 16 * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
  return addon.trainer(spec, await addon.images(pixels, [22, 16, 16, 3], 'cpu'))
}

/** SHA-256 of the tensors under these prefixes, in the order of the zoo's state dicts. */
async function digest(trainer: NativeTrainer, ...prefixes: string[]): Promise<string> {
  const names = (await trainer.tensors()).map(({ name }) => name)
  const sha = createHash('sha256')
  for (const prefix of prefixes)
    for (const name of names.filter((n) => n.startsWith(prefix) && !n.endsWith('.stage')))
      sha.update(await trainer.tensor(name))
  return sha.digest('hex')
}

const stateOf = async (trainer: NativeTrainer): Promise<HostTensor[]> =>
  Promise.all((await trainer.tensors()).map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))

/** Trainable numbers of the published networks, made by the zoo's own program. */
const published: Record<number, [generator: number, discriminator: number]> = {
  8: [11_284_998, 11_283_457],
  16: [16_006_153, 16_005_121],
  32: [20_727_308, 20_726_785],
  64: [22_498_063, 22_498_049],
  128: [22_941_074, 22_941_313],
  256: [23_051_989, 23_052_353],
  512: [23_079_800, 23_080_225],
}

test.each(Object.entries(published))('%s px has the parameters of the published networks', async (size, [g, d]) => {
  const { layers, parameters } = await addon.describe(
    smallSpec({ model: 'pgan', size: Number(size), latent: 512, widths: [512, 512, 512, 512, 256, 128, 64, 32] }),
  )
  const sum = (network: string) =>
    layers.filter(({ name }) => name.startsWith(network)).reduce((total, layer) => total + layer.parameters, 0)
  // Inner layers to RGB, and from it, are used only while the networks grow.
  const unused = (into: 'from' | 'to') =>
    [512, 512, 512, 512, 256, 128, 64]
      .slice(0, Math.log2(Number(size)) - 2)
      .reduce((total, width) => total + (into === 'to' ? 3 * width + 3 : 4 * width), 0)
  expect([sum('generator.') + unused('to'), sum('discriminator.') + unused('from')]).toEqual([g, d])
  expect(parameters).toBe(g + d)
})

test(`follows the zoo's training through three scales and two fades ${promise}`, async () => {
  const trainer = await goldenTrainer()
  if (cpuCapability !== 'DEFAULT') expect(await digest(trainer, 'generator.', 'discriminator.')).toBe(golden.initial)
  const metrics = await trainer.step(golden.updates)
  for (const [update, [lossD, gradientPenalty, lossG, scale, alpha]] of bits.log.entries()) {
    expect([metrics.scale![update], metrics.alpha![update]]).toEqual([4 << scale, alpha])
    for (const [name, value] of Object.entries({ lossD, gradientPenalty, lossG }))
      expect(
        Math.abs(metrics[name]![update]! - value) / Math.max(1, Math.abs(value)),
        `${name} ${update}`,
      ).toBeLessThan(exact ? 1e-6 : 2e-3)
  }
  if (exact) {
    expect(await digest(trainer, 'generator.', 'discriminator.')).toBe(bits.final)
    expect(await digest(trainer, 'ema.generator.')).toBe(bits.average)
  }
})

test('goes on after load as if nothing had happened, inside a scale, at a growth and inside a fade', async () => {
  for (const updates of [1, 2, 3]) {
    const [one, two] = [await goldenTrainer(), await goldenTrainer({ seed: 1 })]
    await one.step(updates)
    await two.load(await stateOf(one), 'same')
    expect(await two.step(2)).toEqual(await one.step(2))
    const [a, b] = [await stateOf(one), await stateOf(two)]
    for (const [i, { name, bytes }] of a.entries()) expect(Buffer.compare(bytes, b[i]!.bytes), name).toBe(0)
  }
})

test('a plan says which pictures an update will take, though updates draw before the next epoch', async () => {
  const trainer = await goldenTrainer()
  const [first, second] = [await trainer.plan(6), await trainer.plan(6)]
  expect(first).toEqual(second)
  const sizes = [6, 6, 6, 4, 6, 6]
  expect([...first.sizes]).toEqual(sizes)
  await trainer.step(4)
  expect((await trainer.plan(2)).indices).toEqual(first.indices.slice(22))
})

describe('sampling', () => {
  const pixelsOf = async (trainer: NativeTrainer, weights: 'ema' | 'raw', stretch = false, at = 1) =>
    (await drawPixels(await trainer.inferenceModel(weights), { seeds: [5, 6, 7], batch: at, stretch })).pixels

  test.each([
    [1, 4],
    [3, 8],
    [9, 16],
  ])('after %i updates it shows pictures of %i px, enlarged to the size of the run', async (updates, side) => {
    const trainer = await goldenTrainer()
    await trainer.step(updates)
    const pixels = await pixelsOf(trainer, 'raw')
    expect(pixels).toHaveLength(3 * 16 * 16 * 3)
    const factor = 16 / side
    const value = (x: number, y: number) => pixels[(y * 16 + x) * 3]
    // While a scale is faded in its pictures have details of their own already.
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 16; x++) expect(value(x, y)).toBe(value(x - (x % factor), y - (y % factor)))
  })

  test('one seed is one picture in any batch, and the average is another', async () => {
    const trainer = await goldenTrainer()
    await trainer.step(3)
    const alone = await pixelsOf(trainer, 'raw')
    const together = await pixelsOf(trainer, 'raw', false, 3)
    expect(Math.max(...alone.map((value, i) => Math.abs(value - together[i]!)))).toBeLessThan(2)
    expect(alone.equals(await pixelsOf(trainer, 'ema'))).toBe(false)
  })

  test('stretched, each picture goes from black to white', async () => {
    const trainer = await goldenTrainer()
    const pixels = await pixelsOf(trainer, 'raw', true)
    for (let i = 0; i < 3; i++) {
      const picture = [...pixels.subarray(i * 768, (i + 1) * 768)]
      expect([Math.min(...picture), Math.max(...picture)]).toEqual([0, 255])
    }
  })

  test('a generator comes from its tensors alone; a missing one, or a stage that none is at, is CHECKPOINT_MISMATCH', async () => {
    const trainer = await goldenTrainer()
    await trainer.step(3)
    const tensors = (await stateOf(trainer)).filter(({ name }) => name.startsWith('generator.'))
    const spec = smallSpec({ ...small, exact: true })
    const pixels = async (given: HostTensor[]) =>
      (await drawPixels(await addon.inferenceModel(spec, given), { seeds: [5, 6, 7], batch: 1, stretch: false })).pixels
    expect((await pixels(tensors)).equals(await pixelsOf(trainer, 'raw'))).toBe(true)
    const missing = tensors.filter(({ name }) => !name.endsWith('formatLayer.module.bias'))
    const mismatch = (said: string) => ({ code: 'CHECKPOINT_MISMATCH', message: expect.stringContaining(said) })
    await expect(pixels(missing)).rejects.toMatchObject(mismatch('formatLayer.module.bias'))
    for (const stage of [
      [3, 0],
      [-1, 0],
      [1, 2],
    ]) {
      const bytes = new Uint8Array(Float32Array.from(stage).buffer)
      const changed = tensors.map((one) => (one.name === 'generator.stage' ? { ...one, bytes } : one))
      await expect(pixels(changed)).rejects.toMatchObject(mismatch('generator.stage'))
    }
  })

  test('kernels of the processor agree with the reference', async () => {
    const { cpuOps } = await addon.info()
    const trainer = await goldenTrainer({ size: 16, widths: [32, 32, 16] })
    await trainer.step(9)
    const tensors = (await stateOf(trainer)).filter(({ name }) => name.startsWith('generator.'))
    const options = { ...small, widths: [32, 32, 16] }
    const values = async (ops: string) => {
      const model = await addon.inferenceModel({ ...smallSpec(options), ops }, tensors)
      const sampler = await model.sampler({ seeds: [1, 2], batch: 2, stretch: false })
      await sampler.step()
      return new Float32Array(Uint8Array.from(await sampler.values()).buffer)
    }
    const wanted = await values('reference')
    for (const ops of cpuOps) {
      const came = await values(ops)
      const worst = came.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0)
      expect(worst, ops).toBeLessThan(1e-4 * Math.max(...wanted.map(Math.abs)))
    }
  })
})

test('kernels of the processor train like the reference', async () => {
  const { cpuOps } = await addon.info()
  const losses = async (ops: readonly string[]) => {
    const trainer = await smallTrainer(addon, { ...small, widths: [32, 32, 16], size: 16 }, 12, ops)
    return trainer.step(4)
  }
  const [wanted, came] = [await losses([]), await losses(cpuOps)]
  for (const name of ['lossD', 'lossG', 'gradientPenalty'])
    for (const [i, value] of wanted[name]!.entries())
      expect(Math.abs(came[name]![i]! - value), `${name} ${i}`).toBeLessThan(0.02 * Math.max(1, Math.abs(value)))
})

test('the guard is told how generated each picture looks, whatever is beside it', async () => {
  const trainer = await goldenTrainer()
  await trainer.step(3)
  const pixels = drawnPixels(3, 16, 3)
  const all = await trainer.loss(pixels, [3, 16, 16, 3], {})
  const alone = await trainer.loss(pixels.subarray(768, 2 * 768), [1, 16, 16, 3], {})
  expect(all).toHaveLength(3)
  expect(Math.abs(all[1]! - alone[0]!)).toBeLessThan(1e-4)
})
