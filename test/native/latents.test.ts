/** What samplers take beside their seeds: latents in place of their own, and no more seeds than a batch has rows. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, Inputs, NativeInferenceModel, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { smallTrainer } from '../helpers/specs.ts'
import { TorchRandom } from '../helpers/torch-random.ts'

let addon: Addon
const models = {} as Record<'diffusion' | 'dcgan' | 'pgan', NativeInferenceModel>
beforeAll(async () => {
  addon = await loadAddon()
  for (const model of ['diffusion', 'dcgan', 'pgan'] as const) {
    const trainer = await smallTrainer(addon, { model, emaDecay: null })
    await trainer.step(4)
    models[model] = await trainer.inferenceModel('raw')
  }
})

type Kind = { model: keyof typeof models; args: Spec; shape: readonly number[] }

const kinds: [string, Kind][] = [
  ...['ddim', 'ddpm', 'unipc'].map((sampler): [string, Kind] => [
    sampler,
    { model: 'diffusion', args: { sampler, steps: 6, eta: 1 }, shape: [3, 16, 16] },
  ]),
  ['DCGAN', { model: 'dcgan', args: { batchNorm: 'running' }, shape: [16] }],
  ['PGAN', { model: 'pgan', args: { stretch: false }, shape: [16] }],
]

const elements = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)

/** What these seeds would begin with by themselves, to the accuracy of float32. */
function latentsOf(shape: readonly number[], seeds: readonly number[]): Inputs {
  const values = seeds.flatMap((seed) => [...new TorchRandom(BigInt(seed)).normals(elements(shape))])
  return { latents: { shape: [seeds.length, ...shape], values: Float32Array.from(values) } }
}

async function draw({ model, args }: Kind, seeds: readonly number[], inputs?: Inputs): Promise<Float32Array> {
  const sampler = await models[model].sampler({ ...args, seeds, batch: 3 }, inputs)
  while (!(await sampler.step()));
  return new Float32Array(Uint8Array.from(await sampler.values()).buffer)
}

const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

/** On the great circle between two latents, its length between theirs (Shoemake 1985). */
function slerp(a: readonly number[], b: readonly number[], mix: number): number[] {
  const [of, to] = [Math.hypot(...a), Math.hypot(...b)]
  const angle = Math.acos(a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (of * to))
  const length = (1 - mix) * of + mix * to
  const share = (side: number, part: number) => (length * Math.sin(part * angle)) / (Math.sin(angle) * side)
  return a.map((value, i) => value * share(of, 1 - mix) + b[i]! * share(to, mix))
}

describe.each(kinds)('%s', (_, kind) => {
  test('a walk begins and ends as its seeds do, and goes between them on the sphere', async () => {
    const walked = { ...kind, args: { ...kind.args, toSeeds: [9, 9, 9], mix: [0, 1, 0.25] } }
    const all = await draw(walked, [7, 7, 7])
    const size = all.length / 3
    // Noise of later steps is the first seed's.
    const noisy = kind.args.sampler === 'ddpm' || (kind.args.sampler === 'ddim' && kind.args.eta !== 0)
    expect(furthest(all.subarray(0, size), (await draw(kind, [7])).subarray(0, size))).toBe(0)
    const at = (seed: number) => [...new TorchRandom(BigInt(seed)).normals(elements(kind.shape))]
    const given = (values: number[], ...seeds: number[]) =>
      draw(kind, seeds, { latents: { shape: [1, ...kind.shape], values: Float32Array.from(values) } })
    if (!noisy) expect(furthest(all.subarray(size, 2 * size), await draw(kind, [9]))).toBe(0)
    expect(furthest(all.subarray(2 * size), await given(slerp(at(7), at(9), 0.25), 7))).toBeLessThan(1e-4)
  })

  test("latents that are the seeds' own give their pictures", async () => {
    const own = await draw(kind, [7, 9])
    const [same, swapped] = [
      furthest(await draw(kind, [7, 9], latentsOf(kind.shape, [7, 9])), own),
      furthest(await draw(kind, [7, 9], latentsOf(kind.shape, [9, 7])), own),
    ]
    expect(same).toBeLessThan(1e-4)
    // A generator that has hardly been trained makes nearly the same of everything.
    expect(swapped).toBeGreaterThan(20 * Math.max(same, 1e-5))
  })

  test('they are copied: what is done to them later changes nothing', async () => {
    const inputs = latentsOf(kind.shape, [7])
    const expected = await draw(kind, [7], inputs)
    const sampler = await models[kind.model].sampler({ ...kind.args, seeds: [7], batch: 3 }, inputs)
    inputs.latents!.values.fill(0)
    while (!(await sampler.step()));
    expect(new Float32Array(Uint8Array.from(await sampler.values()).buffer)).toEqual(expected)
  })

  test('of another shape or type they are refused, and other inputs by name', async () => {
    const values = new Float32Array(elements(kind.shape))
    const wrong = [
      { shape: [2, ...kind.shape], values: new Float32Array(2 * values.length) },
      { shape: kind.shape, values },
      { shape: [1, ...kind.shape], values: values.subarray(1) },
      { shape: [1, ...kind.shape], values: new Uint8Array(values.length) },
    ]
    for (const latents of wrong)
      await expect(draw(kind, [1], { latents })).rejects.toMatchObject({
        code: 'SHAPE_INVALID',
        message: expect.stringContaining('latents'),
      })
    const mask = { shape: [1, ...kind.shape], values }
    await expect(draw(kind, [1], { mask })).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringMatching(/"mask".*latents/),
    })
    for (const inputs of [
      7,
      { latents: 7 },
      { latents: { shape: 'x', values } },
      { latents: { shape: [1], values: [1] } },
    ])
      await expect(async () => draw(kind, [1], inputs as never)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })

  test('as many seeds as the batch has rows, and no more', async () => {
    expect(await draw(kind, [1, 2, 3])).toHaveLength(3 * (await draw(kind, [1])).length)
    for (const seeds of [[], [1, 2, 3, 4]])
      await expect(draw(kind, seeds)).rejects.toMatchObject({
        code: 'NATIVE_FAILED',
        message: expect.stringContaining('1 to 3 seeds'),
      })
  })
})

test('statistics of the batch are those of all seeds, however many', async () => {
  const kind: Kind = { model: 'dcgan', args: { batchNorm: 'batch' }, shape: [16] }
  expect(await draw(kind, [1, 2, 3, 4, 5])).toHaveLength(5 * 32 * 32 * 3)
})
