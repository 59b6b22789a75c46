/** What few pictures are trained with: augmentation that the network is told of, dropout, fixed noise. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { casesOf } from '../helpers/programs.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

test('labels say what was done to each picture; targets of noisy pictures satisfy their equations', () => {
  const rows = casesOf('few_check') as unknown as { name: string; error?: number; share?: number }[]
  const errors = rows.flatMap(({ name, error }) => (error === undefined ? [] : [[name, error] as const]))
  const cases = Object.fromEntries(rows.map(({ name, share }) => [name, share]))
  expect(errors.length).toBe(11)
  // The resampler reads between pixels: it differs from the smooth function by this much.
  expect(errors.filter(([name, error]) => error > (name.startsWith('augment') ? 0.005 : 1e-5))).toEqual([])
  // Each of five changes with probability 0.2, three of them for certain seen when chosen.
  expect(cases['augment: changed']).toBeGreaterThan(0.4)
  expect(cases['augment: changed']).toBeLessThan(0.9)
  expect(cases['augment: mirrored']).toBeGreaterThan(0.2)
  expect(cases['augment: not mirrored']).toBe(0)
  expect(cases['fixed noise: of another picture']).toBeGreaterThan(1)
  expect(cases['fixed noise: of another seed']).toBeGreaterThan(1)
  expect(cases['ambient: above']).toBeGreaterThan(0.3)
})

const ways: Record<string, AnyTrainOptions> = {
  dropout: { dropout: 0.2 },
  augment: { augment: 0.5 },
  ambientSigma: { ambientSigma: 0.5 },
}

describe.each(Object.entries(ways))('%s', (_, options) => {
  test('changes the loss, the same way in every run and whatever the units', async () => {
    const [plain, one, many] = await Promise.all([{}, options, options].map((o) => smallTrainer(addon, o)))
    const losses = (await one!.step(4)).loss!
    expect(losses).not.toEqual((await plain!.step(4)).loss)
    expect([...(await many!.step(1)).loss!, ...(await many!.step(3)).loss!]).toEqual(losses)
    expect(losses.every(Number.isFinite)).toBe(true)
  })

  test('leaves the initial weights and what is sampled with them as they are', async () => {
    const sampled = await Promise.all(
      [{}, options].map(async (o) => {
        const model = await (await smallTrainer(addon, o)).inferenceModel('raw')
        return (await drawPixels(model, { steps: 3, sampler: 'ddim', eta: 0, seeds: [1], batch: 1 })).pixels
      }),
    )
    expect(sampled[1]).toEqual(sampled[0])
  })
})

test('a network that is told of augmentation learns to use it', async () => {
  const trainer = await smallTrainer(addon, { augment: 1, lr: 1e-2 })
  const weight = async () => new Float32Array((await trainer.tensor('model.augment_mlp.weight')).slice().buffer)
  expect((await weight()).every((value) => value === 0)).toBe(true)
  await trainer.step(3)
  expect((await weight()).some((value) => value !== 0)).toBe(true)
})
