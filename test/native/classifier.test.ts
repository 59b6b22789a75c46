import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Addon, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { smallSpec } from '../helpers/specs.ts'

type Run = { log: [loss: number, accuracy: number][]; final: string; logits: number[] }
type Name = 'mlp adam' | 'mlp sgd' | 'cnn sgd' | 'cnn adam'

/** Written by test/golden/make/classifier.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/classifier.json', import.meta.url), 'utf8')) as {
  size: number
  batch: number
  count: number
  units: number
  width: number
  classes: number
  initial: Record<Name, string>
  made: (Made & { runs: Record<Name, Run> })[]
}
const { size, batch, count, units, width, classes } = golden

const options: Record<Name, AnyTrainOptions> = {
  'mlp adam': { variant: 'mlp' },
  'mlp sgd': { variant: 'mlp', optimizer: 'sgd', lr: 0.1, weightDecay: 1e-3 },
  'cnn sgd': { variant: 'cnn', optimizer: 'sgd', lr: 0.1, momentum: 0.9 },
  'cnn adam': { variant: 'cnn', clipGradNorm: 0.5 },
}
const names = Object.keys(options) as Name[]

const addon: Addon = await loadAddon()
const { cpuCapability, cpuOps } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

const pixels = new Uint8Array(count * size * size).map((_, i) => Math.imul(i, 2654435761) >>> 24)
const shape = [count, size, size, 1]
/** A one for the class, and a zero for "unknown". */
const labels = Float32Array.from({ length: count * (classes + 1) }, (_, i) =>
  i % (classes + 1) === Math.floor(i / (classes + 1)) % classes ? 1 : 0,
)

async function goldenTrainer(name: Name, more: AnyTrainOptions = {}, ops: readonly string[] = []) {
  const values = ['a', 'b', 'c']
  const set = { from: 'folders', attributes: [{ name: 'class', kind: 'class' as const, values, counts: [8, 7, 7] }] }
  const given = { model: 'classifier', size, channels: 1, batch, units, width, labels: set, ...options[name], ...more }
  const spec = smallSpec({ ...given, threads: bits.cpu.threads } as AnyTrainOptions, ops)
  return { spec, trainer: await addon.trainer(spec, await addon.images(pixels, shape, 'cpu', labels)) }
}

async function digest(trainer: NativeTrainer): Promise<string> {
  const sha = createHash('sha256')
  for (const { name } of await trainer.tensors()) if (/^(fc|conv)/.test(name)) sha.update(await trainer.tensor(name))
  return sha.digest('hex')
}

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)]

async function logitsOf(trainer: NativeTrainer, pictures: number): Promise<number[]> {
  const values = pixels.slice(0, pictures * size * size)
  const model = await trainer.inferenceModel('raw')
  const sampler = await model.sampler({}, { picture: { shape: [pictures, size, size, 1], values } })
  expect(await sampler.step()).toBe(true)
  return floats(await sampler.values())
}

const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

describe(`the reference computes what PyTorch does, ${promise}`, () => {
  test.each(names)('%s', async (name) => {
    const { trainer } = await goldenTrainer(name, { exact: true })
    const { log, final, logits } = bits.runs[name]
    expect(await digest(trainer)).toBe(golden.initial[name])
    const metrics = await trainer.step(log.length)
    const found = [metrics.loss!, metrics.accuracy!]
    expect(found.map((series) => series.length)).toEqual([log.length, log.length])
    const said = await logitsOf(trainer, 4)
    if (exact) {
      expect(metrics.loss!.map((loss, i) => [loss, metrics.accuracy![i]])).toEqual(log)
      expect(await digest(trainer)).toBe(final)
      expect(said).toEqual(logits)
    } else {
      expect(
        furthest(
          metrics.loss!,
          log.map(([loss]) => loss),
        ),
      ).toBeLessThan(1e-4)
      expect(furthest(said, logits)).toBeLessThan(1e-3)
    }
  })
})

test.each(names)("this processor's own operations keep near the reference: %s", async (name) => {
  const { trainer } = await goldenTrainer(name, {}, cpuOps)
  const { log, logits } = bits.runs[name]
  const { loss } = await trainer.step(log.length)
  expect(
    furthest(
      loss!,
      log.map(([one]) => one),
    ),
  ).toBeLessThan(1e-4)
  expect(furthest(await logitsOf(trainer, 4), logits)).toBeLessThan(1e-3)
})

test('its loss rows are the logits of each class, and move nothing', async () => {
  const { trainer } = await goldenTrainer('cnn sgd')
  await trainer.step(2)
  const before = await digest(trainer)
  const rows = await trainer.loss(pixels.slice(0, 4 * size * size), [4, size, size, 1], {})
  const said = await logitsOf(trainer, 4)
  expect(
    furthest(
      [...rows],
      [0, 1, 2].flatMap((j) => [0, 1, 2, 3].map((i) => said[i * classes + j]!)),
    ),
  ).toBeLessThan(1e-5)
  expect(await digest(trainer)).toBe(before)
})

test.each(names)('a run that goes on from its tensors gives the same bits: %s', async (name) => {
  const whole = (await goldenTrainer(name)).trainer
  await whole.step(7)
  const first = (await goldenTrainer(name)).trainer
  await first.step(4)
  const infos = await first.tensors()
  const second = (await goldenTrainer(name, { seed: 1 })).trainer
  const tensors = []
  for (const info of infos) tensors.push({ ...info, bytes: await first.tensor(info.name) })
  await second.load(tensors, 'same')
  await second.step(3)
  for (const { name: tensor } of infos) expect(await second.tensor(tensor)).toEqual(await whole.tensor(tensor))
})

test('what goes through it is what is planned', async () => {
  const { trainer } = await goldenTrainer('mlp sgd', { accumulate: 2 })
  const plan = await trainer.plan(4)
  expect([...plan.sizes]).toEqual([16, 14, 14, 16])
  expect((await trainer.step(4)).images).toEqual([16, 30, 44, 60])
})

test('a description counts what a trainer has', async () => {
  for (const name of names) {
    const { spec, trainer } = await goldenTrainer(name)
    const weights = (await trainer.tensors()).filter((tensor) => /^(fc|conv)/.test(tensor.name))
    const { parameters, layers } = await addon.describe(spec)
    expect(parameters).toBe(weights.reduce((sum, one) => sum + one.shape.reduce((a, b) => a * b, 1), 0))
    expect(layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters)
  }
})

test('pictures without labels, of another size, or none at all are refused', async () => {
  const { spec, trainer } = await goldenTrainer('mlp sgd')
  const unlabelled = await addon.trainer(spec, await addon.images(pixels, shape, 'cpu'))
  await expect(unlabelled.step(1)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  const model = await trainer.inferenceModel('raw')
  const values = new Uint8Array(8 * 8)
  await expect(model.sampler({}, { picture: { shape: [1, 8, 8, 1], values } })).rejects.toMatchObject({
    code: 'SHAPE_INVALID',
  })
  await expect(model.sampler({ seeds: [1], batch: 1 })).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  await expect(trainer.inferenceModel('ema')).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
})
