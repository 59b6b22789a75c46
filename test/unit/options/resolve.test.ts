import { describe, expect, expectTypeOf, test } from 'vitest'
import { type Problem, ShinsakuError } from '../../../lib/errors.ts'
import { resolveLoad, resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions, SampleOptions } from '../../../lib/options/types.ts'
import type { Duration } from '../../../lib/options/values.ts'

function problemsOf(work: () => unknown): Problem[] {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(ShinsakuError)
    expect((error as ShinsakuError).code).toBe('OPTION_INVALID')
    return (error as ShinsakuError).details.problems as Problem[]
  }
  throw new Error('nothing was thrown')
}

const wrong = (options: Record<string, unknown>) => problemsOf(() => resolveTrain(options as AnyTrainOptions))

describe('defaults', () => {
  test('take the photos of cameras of 24 and of phones of 50 megapixels', () => {
    const { maxPixels } = resolveTrain({})
    for (const [width, height] of [
      [6000, 4000],
      [8064, 6048],
      [8192, 6144],
    ] as const)
      expect(width * height).toBeLessThanOrEqual(maxPixels)
  })

  test('are those of the variant that the variant option picks', () => {
    expect(resolveTrain({})).toMatchObject({
      model: 'diffusion',
      variant: '2.3',
      size: 128,
      batch: 16,
      lr: 1e-4,
      clipGradNorm: 1,
      objective: 'v',
      schedule: 'sigmoid',
      loss: 'l2',
      betas: [0.9, 0.99],
      emaDecay: 0.995,
      emaEvery: 10,
      timesteps: 1000,
    })
    expect(resolveTrain({ variant: '0.26' })).toMatchObject({
      clipGradNorm: null,
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l1',
    })
    expect(resolveTrain({ model: 'dcgan' })).toMatchObject({
      variant: 'pytorch',
      size: 64,
      batch: 64,
      lr: 2e-4,
      betas: [0.5, 0.999],
      emaDecay: null,
      weightDecay: 0,
    })
    expect(resolveTrain({ model: 'dcgan', variant: 'chainer' })).toMatchObject({
      size: 96,
      batch: 100,
      weightDecay: 1e-5,
    })
    expect(resolveTrain({ model: 'dcgan', variant: 'radford' })).toMatchObject({ size: 64, batch: 128, width: 128 })
  })

  test('yield to what is given, null included, and undefined counts as not given', () => {
    expect(resolveTrain({ clipGradNorm: null, emaDecay: null, size: undefined, lr: 3e-4 })).toMatchObject({
      clipGradNorm: null,
      emaDecay: null,
      size: 128,
      lr: 3e-4,
    })
  })

  test('options of another kind of model are absent', () => {
    expect(resolveTrain({ model: 'dcgan' })).not.toHaveProperty('dim')
    expect(resolveTrain({})).not.toHaveProperty('latent')
  })

  test('resolving what was resolved changes nothing', () => {
    for (const options of [
      {},
      { variant: '0.26', maxTime: '20m' },
      { model: 'dcgan', variant: 'chainer' },
    ] as AnyTrainOptions[]) {
      const once = resolveTrain(options)
      expect(resolveTrain(once as AnyTrainOptions)).toEqual(once)
    }
  })

  test('the result is frozen', () => {
    const options = resolveTrain({})
    expect(Object.isFrozen(options)).toBe(true)
    expect(() => {
      ;(options as { size: number }).size = 1
    }).toThrow(TypeError)
  })
})

describe('wrong options', () => {
  test('are all listed at once, each with what came', () => {
    const problems = wrong({ size: 'large', lr: -1, channels: 2, dimMults: [1, 'x'], background: 'white' })
    expect(problems.map(({ path }) => path)).toEqual(['size', 'channels', 'lr', 'background', 'dimMults.1'])
    expect(problems[0]!.message).toContain('"large"')
    expect(problems[2]!.message).toContain('-1')
  })

  test('a misspelt name gets the right one, however it is written', () => {
    expect(wrong({ dimMutls: [1] })[0]!.message).toBe('is not an option; did you mean "dimMults"?')
    expect(wrong({ 'max-images': 5 })[0]!.message).toContain('"maxImages"')
    expect(wrong({ Batch: 5 })[0]!.message).toContain('"batch"')
    expect(wrong({ zzzzzz: 5 })[0]!.message).toBe('is not an option')
  })

  test('a name of another program gets ours, and how to compute its value', () => {
    expect(wrong({ imageSize: 64, batch_size: 8, learningRate: 1, epochs: 3, num_workers: 2 })).toEqual([
      { path: 'imageSize', message: 'is not an option; here it is "size"' },
      { path: 'batch_size', message: 'is not an option; here it is "batch"' },
      { path: 'learningRate', message: 'is not an option; here it is "lr"' },
      { path: 'epochs', message: 'is not an option; here it is "maxImages", epochs times the number of pictures' },
      { path: 'num_workers', message: 'is not an option; here it is "loaderWorkers"' },
    ])
  })

  test('what is given as undefined is not given, whosever it is', () => {
    const usual = resolveTrain({ model: 'dcgan' })
    expect(resolveTrain({ model: 'dcgan', dim: undefined, size: undefined })).toEqual(usual)
    expect(resolveTrain({ model: 'dcgan', zzz: undefined } as AnyTrainOptions)).toEqual(usual)
    expect(resolveSample({ steps: undefined, count: 2 }, usual).count).toBe(2)
    expect(resolveLoad({ size: undefined } as object)).toEqual(resolveLoad({}))
  })

  test("another model's option says whose it is", () => {
    expect(wrong({ variant: 'chainer' })).toEqual([
      { path: 'variant', message: '"chainer" is a variant of model "dcgan", but model is "diffusion"' },
    ])
    expect(wrong({ model: 'dcgan', dim: 64 })[0]!.message).toContain('applies to model "diffusion" only')
  })

  test('an unknown model or variant is named before anything that depends on it', () => {
    expect(wrong({ model: 'stylegan', dim: 'x' }).map(({ path }) => path)).toEqual(['model'])
    expect(wrong({ variant: '3', dim: 'x' }).map(({ path }) => path)).toEqual(['variant'])
  })

  test('null is refused where "none" means nothing', () => {
    expect(wrong({ size: null })[0]!.path).toBe('size')
  })

  test('combinations are checked once each value is right', () => {
    expect(wrong({ size: 100, dimMults: [1, 2, 4, 8] })[0]).toMatchObject({
      path: 'size',
      message: expect.stringContaining('divisible by 8'),
    })
    expect(wrong({ variant: '0.26', dim: 12 })[0]).toMatchObject({
      path: 'dim',
      message: expect.stringContaining('multiple of 8'),
    })
    expect(wrong({ schedule: 'linear', timesteps: 20 })[0]).toMatchObject({
      path: 'timesteps',
      message: expect.stringContaining('above 20'),
    })
    expect(wrong({ model: 'dcgan', size: 48 })[0]).toMatchObject({
      path: 'size',
      message: expect.stringContaining('32, 64, 96, 128'),
    })
  })

  test('anything but an object of options', () => {
    for (const given of [null, 'icons', [1], 7])
      expect(problemsOf(() => resolveTrain(given as never))[0]!.path).toBe('options')
  })

  test('the message holds every problem on a line of its own', () => {
    expect(() => resolveTrain({ size: 1, batch: 0 })).toThrow(/^2 options are wrong:\n {2}size: .*\n {2}batch: /)
  })
})

describe('sampling options', () => {
  const diffusion = resolveTrain({})
  const dcgan = resolveTrain({ model: 'dcgan' })
  const wrongSample = (given: Record<string, unknown>, train = diffusion) =>
    problemsOf(() => resolveSample(given as SampleOptions, train))

  test('seeds follow from seed and count, or are taken as given', () => {
    expect(resolveSample({ count: 3, seed: 7 }, diffusion)).toMatchObject({ count: 3, seeds: [7, 8, 9] })
    expect(resolveSample({ seeds: [5, 1] }, diffusion)).toMatchObject({ count: 2, seeds: [5, 1] })
    expect(wrongSample({ seeds: [1], seed: 1 })[0]!.path).toBe('seed')
    expect(wrongSample({ seeds: [1, 2], count: 3 })[0]!.path).toBe('count')
  })

  test('steps follow from the sampler and from how the model was trained', () => {
    expect(resolveSample({}, diffusion)).toMatchObject({ sampler: 'unipc', steps: 20, eta: 0 })
    expect(resolveSample({ sampler: 'dpmpp-3m' }, diffusion).steps).toBe(20)
    expect(resolveSample({ sampler: 'ddim' }, diffusion).steps).toBe(50)
    expect(resolveSample({ sampler: 'ddpm' }, diffusion).steps).toBe(1000)
    expect(resolveSample({}, resolveTrain({ timesteps: 20 })).steps).toBe(20)
    expect(wrongSample({ steps: 1001 })[0]!.message).toContain('at most 1000')
    expect(wrongSample({ sampler: 'ddpm', steps: 20 })[0]!.path).toBe('steps')
  })

  test('the sampler is the same at any number of steps, and follows from eta', () => {
    const samplerFor = (given: SampleOptions) => resolveSample(given, diffusion).sampler
    expect([...new Set([1, 5, 6, 7, 20, 1000].map((steps) => samplerFor({ steps })))]).toEqual(['unipc'])
    expect(samplerFor({ steps: 5, eta: 0 })).toBe('unipc')
    expect(samplerFor({ steps: 5, eta: 0.5 })).toBe('ddim')
    expect(resolveSample({ eta: 1 }, diffusion)).toMatchObject({ sampler: 'ddim', steps: 50 })
  })

  test.each(['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddpm'] as const)('eta is not for %s', (sampler) => {
    expect(wrongSample({ sampler, eta: 0.5 })).toEqual([
      { path: 'eta', message: `applies to sampler "ddim" only, but sampler is "${sampler}"` },
    ])
    expect(wrongSample({ sampler, eta: 0.5, steps: 1001 }).map(({ path }) => path)).toEqual(['steps', 'eta'])
  })

  test("another model's option says whose it is, and a misspelt one gets the right name", () => {
    expect(wrongSample({ steps: 20 }, dcgan)[0]!.message).toContain('applies to model "diffusion" only')
    expect(wrongSample({ step: 20 })[0]!.message).toContain('did you mean "steps"?')
  })
})

test('wrong calls do not compile', () => {
  expectTypeOf<AnyTrainOptions['size']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<AnyTrainOptions['model']>().toEqualTypeOf<
    'diffusion' | 'dcgan' | 'pgan' | 'stylegan2' | 'classifier' | undefined
  >()
  expectTypeOf<AnyTrainOptions['maxTime']>().toEqualTypeOf<Duration | null | undefined>()
  expectTypeOf<AnyTrainOptions['clipGradNorm']>().toEqualTypeOf<number | null | undefined>()
  expectTypeOf<SampleOptions['sampler']>().toEqualTypeOf<
    'unipc' | 'dpmpp-2m' | 'dpmpp-3m' | 'ipndm' | 'ddim' | 'ddpm' | undefined
  >()
  expectTypeOf<ResolvedTrainOptions['maxTime']>().toEqualTypeOf<number | null>()
  expectTypeOf<ResolvedTrainOptions['size']>().toEqualTypeOf<number>()
  // @ts-expect-error: no such option
  expect(() => resolveTrain({ sizee: 1 })).toThrow('size')
})
