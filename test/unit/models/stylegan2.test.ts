import { describe, expect, test } from 'vitest'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions, SampleOptions } from '../../../lib/options/types.ts'

const problemsOf = (call: () => unknown): { path: string; message: string }[] => {
  try {
    call()
  } catch (error) {
    return (error as { details: { problems: { path: string; message: string }[] } }).details.problems
  }
  return []
}

const model = 'stylegan2'
const wrong = (options: AnyTrainOptions) => problemsOf(() => resolveTrain({ model, ...options }))

describe('stylegan2 options', () => {
  test.each(['ada', 'paper', 'r3gan'] as const)('%s has 32, 64, 128 and 256 px and no other size', (variant) => {
    for (const size of [32, 64, 128, 256]) expect(resolveTrain({ model, variant, size }).size).toBe(size)
    for (const size of [16, 48, 512])
      expect(wrong({ variant, size })).toEqual([{ path: 'size', message: expect.stringContaining('32, 64, 128, 256') }])
  })

  test('variants are the published configurations', () => {
    expect(resolveTrain({ model })).toMatchObject({
      variant: 'ada',
      mappingLayers: 2,
      channelBase: 16384,
      augment: 'ada',
    })
    expect(resolveTrain({ model, variant: 'paper' })).toMatchObject({ mappingLayers: 8, r1Gamma: 10, augment: 'none' })
    expect(resolveTrain({ model, variant: 'r3gan' })).toMatchObject({ ganLoss: 'relativistic', pathLengthWeight: 0 })
  })

  test.each([
    ['a fixed p without ada', { augment: 'diffaugment', augmentP: 0.5 }, ['augmentP']],
    ['a channelBase below all', { channelBase: 1 }, ['channelBase']],
    ['the augment of diffusion', { augment: 0.12 }, ['augment']],
    ['an unknown augmentation', { augment: 'flip' as 'ada' }, ['augment']],
    ['a share above 1', { styleMixing: 2 }, ['styleMixing']],
    ['an option of the DCGAN', { weightDecay: 0.1 }, ['weightDecay']],
  ] as [string, AnyTrainOptions, string[]][])('%s', (_, options, paths) => {
    expect(wrong(options).map(({ path }) => path)).toEqual(paths)
  })
})

describe('stylegan2 sampling', () => {
  const train = resolveTrain({ model, size: 64 })
  const wrongSample = (options: SampleOptions) =>
    problemsOf(() => resolveSample(options, train)).map(({ path }) => path)

  test.each([
    ['seeds of NumPy up to 2^32 - 1', { latents: 'numpy', seed: 2 ** 32 - 1 }, []],
    ['larger ones', { latents: 'numpy', seed: 2 ** 32 }, ['seed']],
    ['the last of a row of them', { latents: 'numpy', seed: 2 ** 32 - 1, count: 2 }, ['seed']],
    ['one of several', { latents: 'numpy', seeds: [1, 2 ** 33] }, ['seeds']],
    ['mixing from a side there is not', { mixSeed: 1, mixFrom: 12 }, ['mixFrom']],
    ['mixing beyond the picture', { mixSeed: 1, mixFrom: 128 }, ['mixFrom']],
    ['mixing within it', { mixSeed: 1, mixFrom: 64 }, []],
    ['a truncation far out', { truncation: 3 }, ['truncation']],
    ['statistics of a batch', { batchNorm: 'batch' }, ['batchNorm']],
  ] as [string, SampleOptions, string[]][])('%s', (_, options, paths) => {
    expect(wrongSample(options)).toEqual(paths)
  })
})
