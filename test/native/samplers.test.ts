/** Few-step samplers against what diffusers makes of the same networks, and against many steps of DDIM. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, HostTensor, NativeInferenceModel, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallSpec, smallTrainer } from '../helpers/specs.ts'

const samplers = ['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm'] as const

/** Written by test/golden/make/samplers.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/samplers.json', import.meta.url), 'utf8')) as {
  outputs: number[]
  cases: (Pick<AnyTrainOptions, 'objective' | 'schedule' | 'timesteps'> & {
    network: 'constant' | 'unet'
    steps: number
    pictures: Record<(typeof samplers)[number], number[]>
  })[]
}

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const floats = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer)

/** The picture before it becomes pixels. */
async function draw(generator: NativeInferenceModel, args: Spec): Promise<Float32Array> {
  const sampler = await generator.sampler({ seeds: [11], batch: 1, eta: 0, ...args })
  while (!(await sampler.step()));
  return floats(await sampler.values())
}

/** The network as it is made, or one whose output is the same everywhere. */
async function fixedGenerator(options: AnyTrainOptions, outputs?: readonly number[]): Promise<NativeInferenceModel> {
  const trainer = await smallTrainer(addon, { ...options, seed: 3407, batch: 1, emaDecay: null }, 1)
  const tensors: HostTensor[] = []
  for (const info of await trainer.tensors()) {
    if (/^(optimizer|random|progress)\./.test(info.name)) continue
    const bytes = await trainer.tensor(info.name)
    if (outputs && info.name.startsWith('model.')) bytes.fill(0)
    if (outputs && info.name === 'model.final_conv.bias') bytes.set(new Uint8Array(Float32Array.from(outputs).buffer))
    tensors.push({ ...info, bytes })
  }
  return addon.inferenceModel(smallSpec({ ...options, emaDecay: null }), tensors)
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(Array.from(a, (value, i) => (value - b[i]!) ** 2).reduce((sum, square) => sum + square, 0) / a.length)

describe('as diffusers computes them', () => {
  test.each(golden.cases)('$network $objective $schedule T $timesteps, $steps steps', async (given) => {
    const { network, objective, schedule, timesteps, steps, pictures } = given
    const options: AnyTrainOptions = { dim: 8, dimMults: [1, 2], size: 8, objective, schedule, timesteps }
    const generator = await fixedGenerator(options, network === 'constant' ? golden.outputs : undefined)
    for (const sampler of samplers) {
      const drawn = await draw(generator, { sampler, steps })
      const kept = network === 'constant' ? drawn.filter((_, i) => i % 17 === 0) : drawn
      const furthest = kept.reduce((most, value, i) => Math.max(most, Math.abs(value - pictures[sampler][i]!)), 0)
      expect(kept.length).toBe(pictures[sampler].length)
      // A U-Net in float32 has last bits of its own on each kind of processor, which iPNDM multiplies by up to 3; x0 from
      // its noise is they times up to 160.
      const ofUnet = objective === 'noise' ? 1e-4 : 3e-5
      expect(furthest, sampler).toBeLessThan(network === 'constant' ? 1e-6 : ofUnet)
    }
  })
})

describe('on every kind of model', () => {
  const kinds: AnyTrainOptions[] = []
  for (const schedule of ['linear', 'cosine', 'sigmoid'] as const)
    for (const objective of ['noise', 'x0', 'v'] as const) kinds.push({ schedule, objective })
  kinds.push({ objective: 'x0', selfCondition: true }, { objective: 'noise', selfCondition: true, variant: '0.26' })

  test.each(kinds)('%o: a picture in range for any number of steps', async (options) => {
    const generator = await fixedGenerator({ size: 8, dimMults: [1], timesteps: 24, ...options })
    for (const sampler of samplers) {
      for (const steps of [1, 4, 24]) {
        const drawn = await draw(generator, { sampler, steps })
        // The last step of the others gives x0 as it was clamped.
        const most = sampler === 'ipndm' ? 3 : 1
        expect(drawn.every((value) => Math.abs(value) <= most)).toBe(true)
        expect(new Set(drawn).size).toBeGreaterThan(1)
      }
    }
  })

  test('twenty steps come nearer to the picture of all steps than twenty of DDIM', async () => {
    const options: AnyTrainOptions = { size: 8, dimMults: [1], timesteps: 200, objective: 'v', schedule: 'sigmoid' }
    const generator = await fixedGenerator(options, golden.outputs)
    const all = await draw(generator, { sampler: 'ddim', steps: 200 })
    const ddim = distance(await draw(generator, { sampler: 'ddim', steps: 20 }), all)
    for (const sampler of samplers)
      expect(distance(await draw(generator, { sampler, steps: 20 }), all), sampler).toBeLessThan(ddim)
  })

  test.each(samplers)('%s: one seed gives one picture, alone, beside others, and in any place', async (sampler) => {
    const generator = await fixedGenerator({ timesteps: 50 })
    const whole = async (seeds: number[], batch: number) => {
      return (await drawPixels(generator, { seeds, batch, eta: 0, sampler, steps: 6 })).pixels
    }
    const bytes = 16 * 16 * 3
    for (const batch of [1, 3]) {
      const alone = await whole([7], batch)
      const several = await whole([1, 2, 7, 9, 7], batch)
      for (const place of [2, 4])
        expect(Buffer.compare(several.subarray(place * bytes, (place + 1) * bytes), alone)).toBe(0)
      expect(Buffer.compare(several.subarray(3 * bytes, 4 * bytes), alone)).not.toBe(0)
    }
  })

  test('one step is one evaluation; progress and pixels can be had in between', async () => {
    const generator = await fixedGenerator({ timesteps: 50 })
    for (const sampler of samplers) {
      const job = await generator.sampler({ seeds: [1, 2], batch: 3, eta: 0, sampler, steps: 4 })
      const shares: number[] = []
      for (let done = false; !done; ) {
        done = await job.step()
        shares.push(Math.round((await job.progress()) * 4))
        expect(floats(await job.values())).toHaveLength(2 * 16 * 16 * 3)
      }
      expect(shares).toEqual([1, 2, 3, 4])
    }
  })

  test('a name that is none is refused', async () => {
    const generator = await fixedGenerator({})
    await expect(draw(generator, { sampler: 'heun', steps: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('heun'),
    })
  })
})
