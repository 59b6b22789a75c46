/** Sampling beside training: between the updates of a unit, and no bit of either is another than alone. */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { finishMeasure } from '../../lib/evaluate/finish-measure.ts'
import type { Addon, NativeInferenceModel, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { smallTrainer } from '../helpers/specs.ts'

let addon: Addon
let cpuOps: readonly string[]
beforeAll(async () => {
  addon = await loadAddon()
  cpuOps = (await addon.info()).cpuOps
})

async function digest(trainer: NativeTrainer): Promise<Record<string, string>> {
  const entries: [string, string][] = []
  for (const { name } of await trainer.tensors()) {
    const bytes = await trainer.tensor(name)
    entries.push([name, createHash('sha256').update(bytes).digest('hex')])
  }
  return Object.fromEntries(entries)
}

/** One picture of a diffusion model, step by step as a request does it. */
async function request(model: NativeInferenceModel): Promise<Uint8Array> {
  const sampler = await model.sampler({ seeds: [7], steps: 4, sampler: 'ddim', eta: 0, batch: 1 })
  while (!(await sampler.step()));
  const pixels = await sampler.pixels()
  sampler.dispose()
  return pixels
}

const UPDATES = 24

describe.each([
  ['diffusion', { model: 'diffusion', accumulate: 2 }],
  ['dcgan', { model: 'dcgan' }],
] as const satisfies readonly (readonly [string, AnyTrainOptions])[])('%s', (_, options) => {
  test.each(['reference', 'the fastest'])('%s operations: requests are answered within a unit', async (which) => {
    const sets = which === 'reference' ? [] : cpuOps
    const alone = await smallTrainer(addon, options, 10, sets)
    const expected = await alone.step(UPDATES)
    const state = await digest(alone)

    // Other switches than those of the trainer.
    const other = await smallTrainer(addon, { precision: 'tf32', deterministic: true }, 4)
    const model = await other.inferenceModel('raw')
    const picture = await request(model)

    const trainer = await smallTrainer(addon, options, 10, sets)
    let ended = false
    const unit = trainer.step(UPDATES).finally(() => {
      ended = true
    })
    // Of a copy of the weights as they are between two updates as well.
    const raw = await trainer.inferenceModel('raw')
    for (let i = 0; i < 2; i++) expect(await request(model)).toEqual(picture)
    expect(ended).toBe(false)
    expect(await unit).toEqual(expected)
    expect(await digest(trainer)).toEqual(state)
    for (const held of [alone, other, model, trainer, raw]) held.dispose()
  })
})

test('after sampling, the rest of a unit has its own threads and switches again', async () => {
  const plain = await smallTrainer(addon, { threads: 1 }, 10)
  const other = await smallTrainer(addon, { threads: 2, precision: 'tf32', deterministic: true }, 4)
  const model = await other.inferenceModel('raw')
  const unit = plain.step(UPDATES)
  await request(model)
  expect(await addon.info()).toMatchObject({ threads: 2, numerics: { matmul: 'tf32', deterministicAlgorithms: true } })
  await unit
  expect(await addon.info()).toMatchObject({ threads: 1, numerics: { matmul: 'ieee', deterministicAlgorithms: false } })
  for (const held of [plain, other, model]) held.dispose()
})

test('what measures pictures goes before the rest of a unit too, on its own threads and in float32', async () => {
  const trainer = await smallTrainer(addon, { threads: 1, precision: 'tf32' }, 10)
  const set = async () => {
    const features = await addon.features(2, 4, 2)
    await features.append(Float32Array.of(1, 2, 3, 5, 8, 13))
    return features
  }
  let ended = false
  const unit = trainer.step(UPDATES).finally(() => {
    ended = true
  })
  const [a, b] = [await set(), await set()]
  const { value } = await finishMeasure(await addon.frechetDistance(a, b, 2))
  expect(value).toBeCloseTo(0)
  expect(ended).toBe(false)
  const measuring = { matmul: 'ieee', deterministicAlgorithms: false, deterministicCudnn: true }
  expect(await addon.info()).toMatchObject({ threads: 2, numerics: measuring })
  await unit
  expect(await addon.info()).toMatchObject({ threads: 1, numerics: { matmul: 'tf32', deterministicCudnn: false } })
  for (const held of [trainer, a, b]) held.dispose()
})
