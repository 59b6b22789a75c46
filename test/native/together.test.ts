/** R62: one step for pictures of separate requests: the bytes of each are those it has alone in a batch of that size. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeInferenceModel, NativeSampler, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const ROWS = 8

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** A picture that is alone in a batch of `rows`, before it becomes pixels. */
async function alone(model: NativeInferenceModel, args: Spec, rows: number): Promise<Uint8Array> {
  const sampler = await model.sampler({ ...args, batch: rows })
  while (!(await sampler.step()));
  const values = await sampler.values()
  sampler.dispose()
  return values
}

const unipc = (seed: number, steps: number): Spec => ({ seeds: [seed], steps, sampler: 'unipc', eta: 0 })

describe.each(['reference', 'cpu'])('ops %s', (ops) => {
  const modelOf = async (given = {}) => {
    const { cpuOps } = await addon.info()
    const trainer = await smallTrainer(addon, given, 4, ops === 'cpu' ? cpuOps : [])
    return trainer.inferenceModel('raw')
  }

  test.each([
    ['unipc', { sampler: 'unipc', steps: 5, eta: 0 }, {}],
    ['ipndm', { sampler: 'ipndm', steps: 5, eta: 0 }, {}],
    ['ddim with noise', { sampler: 'ddim', steps: 5, eta: 0.5 }, {}],
    ['ddpm', { sampler: 'ddpm', steps: 8, eta: 0 }, { timesteps: 8 }],
    ['self-conditioning', { sampler: 'ddim', steps: 5, eta: 0 }, { selfCondition: true }],
    ['self-conditioning, ddpm', { sampler: 'ddpm', steps: 8, eta: 0 }, { selfCondition: true, timesteps: 8 }],
  ])('%s: others that join, leave, and are elsewhere change nothing', async (_, sampling, options) => {
    const model = await modelOf(options)
    const wanted = await alone(model, { ...sampling, seeds: [7] }, ROWS)
    const own = await model.sampler({ ...sampling, seeds: [7], batch: 1 })
    const begin = (seed: number, args: Spec) => model.sampler({ ...args, seeds: [seed], batch: 1 })
    let beside: NativeSampler[] = []
    let share = 0
    for (let step = 0; share < 1; step += 1) {
      if (step % 2 === 1) beside.push(await begin(step, unipc(step, 3)), await begin(step + 100, sampling))
      const all = step % 3 === 0 ? [own, ...beside] : [...beside, own]
      const shares = await model.stepTogether(all, ROWS)
      share = shares[all.indexOf(own)]!
      beside = beside.filter((sampler) => shares[all.indexOf(sampler)]! < 1).slice(0, ROWS - 3)
    }
    expect(same(await own.values(), wanted)).toBe(true)
  })
})

test('a batch of one is what sample() gives by default', async () => {
  const model = await (await smallTrainer(addon, {}, 4)).inferenceModel('raw')
  const wanted = await alone(model, unipc(3, 4), 1)
  const own = await model.sampler({ ...unipc(3, 4), batch: 1 })
  while ((await model.stepTogether([own], 1))[0]! < 1);
  expect(same(await own.values(), wanted)).toBe(true)
  // One that is finished stays as it is.
  expect([...(await model.stepTogether([own], 1))]).toEqual([1])
  expect(same(await own.values(), wanted)).toBe(true)
})

test('a model of one step makes each picture by itself', async () => {
  const model = await (await smallTrainer(addon, { model: 'dcgan' }, 8)).inferenceModel('raw')
  const args = { seeds: [5], batchNorm: 'running' }
  const wanted = await alone(model, args, 1)
  const samplers = [await model.sampler({ ...args, batch: 1 }), await model.sampler({ ...args, seeds: [6], batch: 1 })]
  expect([...(await model.stepTogether(samplers, 1))]).toEqual([1, 1])
  expect(same(await samplers[0]!.values(), wanted)).toBe(true)
})

test('more pictures than rows, samplers of another model, and what is none are refused', async () => {
  const [model, other] = [
    await (await smallTrainer(addon, {}, 4)).inferenceModel('raw'),
    await (await smallTrainer(addon, {}, 4)).inferenceModel('raw'),
  ]
  const [a, b] = [await model.sampler({ ...unipc(1, 2), batch: 1 }), await model.sampler({ ...unipc(2, 2), batch: 1 })]
  await expect(model.stepTogether([a, b], 1)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  await expect(other.stepTogether([a], 1)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  expect(() => model.stepTogether([{} as NativeSampler], 1)).toThrow('expected a sampler')
  expect(() => model.stepTogether('x' as never, 1)).toThrow('expected an array of samplers')
})
