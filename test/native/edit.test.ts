/** Editing in the native sampler: variations of a picture, filling, inversion, and inputs that do not fit. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Inputs, NativeInferenceModel, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { fillPasses } from '../../lib/options/edit.ts'
import { drawnPixels, smallTrainer } from '../helpers/specs.ts'

let model: NativeInferenceModel
beforeAll(async () => {
  const trainer = await smallTrainer(await loadAddon(), { emaDecay: null, lr: 0.01 })
  await trainer.step(40)
  model = await trainer.inferenceModel('raw')
})

const picture = drawnPixels(2, 16, 3).subarray(0, 768)
const given: Inputs = { picture: { shape: [1, 16, 16, 3], values: picture } }
const usual = { sampler: 'ddim', steps: 10, eta: 0, seeds: [1], batch: 2 }

async function run(args: Spec, inputs: Inputs = given) {
  const sampler = await model.sampler({ ...usual, ...args }, inputs)
  let steps = 1
  while (!(await sampler.step())) steps += 1
  return {
    steps,
    pixels: await sampler.pixels(),
    values: new Float32Array(Uint8Array.from(await sampler.values()).buffer),
  }
}

const difference = (a: Uint8Array, b: Uint8Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)

describe('variations', () => {
  test.each(['unipc', 'ddim', 'ddpm', 'dpmpp-2m'])('%s: the less strength, the nearer', async (sampler) => {
    const distances: number[] = []
    for (const strength of [0.01, 0.4, 1])
      distances.push(difference((await run({ sampler, strength })).pixels, picture))
    expect(distances[0]).toBeLessThan(distances[1]!)
    expect(distances[1]).toBeLessThan(distances[2]!)
  })

  test('of one picture differ by their seeds', async () => {
    const one = await run({ strength: 0.5 })
    expect((await run({ strength: 0.5 })).pixels).toEqual(one.pixels)
    expect((await run({ strength: 0.5, seeds: [2] })).pixels).not.toEqual(one.pixels)
  })
})

describe('filling', () => {
  const keep = Uint8Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 1 : 0))
  const inputs: Inputs = { ...given, keep: { shape: [1, 16, 16, 1], values: keep } }

  test('keeps what is known to the byte, in as many passes as are said, counting the jumps between them', async () => {
    const { pixels, steps } = await run({ eta: 1, jumpLength: 2, resamplings: 3 }, inputs)
    for (let i = 0; i < 256; i++)
      if (keep[i] === 1) expect([...pixels.subarray(i * 3, i * 3 + 3)]).toEqual([...picture.subarray(i * 3, i * 3 + 3)])
    expect(difference(pixels, picture)).toBeGreaterThan(1)
    // Four stretches of two steps are done twice more, each after a jump over as many.
    expect(fillPasses(10, 2, 3)).toBe(10 + 4 * 2 * 2)
    expect(steps).toBe(fillPasses(10, 2, 3) + 4 * 2 * 2)
    expect((await run({ eta: 1, jumpLength: 5, resamplings: 1 }, inputs)).steps).toBe(fillPasses(10, 5, 1))
    expect(fillPasses(50, 5, 5)).toBe(230)
  })

  test('needs DDIM, a picture, and a mask of its size', async () => {
    await expect(run({ sampler: 'unipc' }, inputs)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    await expect(run({}, { keep: inputs.keep! })).rejects.toMatchObject({ message: expect.stringContaining('picture') })
    await expect(
      run({}, { ...given, keep: { shape: [1, 8, 8, 1], values: new Uint8Array(64) } }),
    ).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
    })
    await expect(run({ strength: 0.5 }, {})).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

test('inversion leads to noise from which the picture comes again, nearer with more passes', async () => {
  const again: number[] = []
  for (const iterations of [1, 4]) {
    const { values } = await run({ iterations, steps: 25 })
    const latents: Inputs = { latents: { shape: [1, 3, 16, 16], values } }
    const { pixels } = await run({ steps: 25 }, latents)
    again.push(20 * Math.log10(255 / difference(pixels, picture)))
  }
  expect(again[1]).toBeGreaterThan(again[0]!)
  expect(again[1]).toBeGreaterThan(30)
})
