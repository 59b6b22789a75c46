/** What a run that is bound in time chooses, for machines and pictures that are only numbers here. */
import { describe, expect, test } from 'vitest'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { planTime } from '../../../lib/train/time-plan.ts'

/** A machine of this speed at 32 pixels and dim 16. */
const plan = async (given: AnyTrainOptions, speed: number, pictureSide = Number.POSITIVE_INFINITY) => {
  const measured: string[] = []
  const { options, lines } = await planTime(given, resolveTrain(given), {
    pictureSide,
    spent: () => 0,
    measure: async ({ size, dim }) => {
      measured.push(`${size}/${dim}`)
      return speed * (32 / size) ** 2 * (16 / dim!) ** 1.5
    },
  })
  return { options: resolveTrain(options), lines, measured }
}

describe('size and network', () => {
  test.each([
    { time: '5m', speed: 4, chosen: [16, 16] },
    { time: '5m', speed: 60, chosen: [32, 16] },
    { time: '20m', speed: 60, chosen: [32, 16] },
    { time: '2h', speed: 60, chosen: [32, 32] },
    { time: '24h', speed: 60, chosen: [64, 32] },
    { time: '1h', speed: 20_000, chosen: [128, 64] },
  ] as const)('$time at $speed images a second: $chosen', async ({ time, speed, chosen }) => {
    const { options } = await plan({ time }, speed)
    expect([options.size, options.dim]).toEqual(chosen)
    expect(options.time).toBe(resolveTrain({ time }).time)
  })

  test('measures only what may be chosen', async () => {
    expect((await plan({ time: '5m' }, 60)).measured).toEqual(['32/16'])
    expect((await plan({ time: '5m' }, 4)).measured).toEqual(['32/16', '16/16'])
  })

  test('none is larger than the pictures', async () => {
    expect((await plan({ time: '24h' }, 1000, 40)).options.size).toBe(32)
    expect((await plan({ time: '24h' }, 1000, 9)).options.size).toBe(16)
  })

  test('what is given stays, and the rest follows from it', async () => {
    const { options } = await plan({ time: '5m', size: 64, batch: 3, lr: 1e-3 }, 60)
    expect(options).toMatchObject({ size: 64, batch: 3, lr: 1e-3, dim: 16, lrSchedule: 'cosine' })
    expect((await plan({ time: '5m', dim: 48 }, 60)).options.dim).toBe(48)
  })

  test('a size that only some networks divide', async () => {
    expect((await plan({ time: '24h', size: 20 }, 60)).options).toMatchObject({ size: 20, dimMults: [1, 2, 4] })
    await expect(plan({ time: '24h', size: 21 }, 60)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a network that does not fit in memory is not chosen', async () => {
    const given = { time: '24h' } as const
    const { options } = await planTime(given, resolveTrain(given), {
      pictureSide: 512,
      spent: () => 0,
      measure: async ({ dim }) => (dim! > 16 ? undefined : 1000),
    })
    expect(options).toMatchObject({ size: 32, dim: 16 })
  })
})

describe('the schedule', () => {
  test('rises over a tenth of the images, falls to its end, and leaves time for the last checkpoint', async () => {
    const { options } = await plan({ time: '5m' }, 60)
    expect(options.maxImages).toBe(300 * 60 * 0.95)
    expect(options.warmup).toBe(options.maxImages / 10)
    expect(options).toMatchObject({ lrSchedule: 'cosine', emaEvery: 1, emaLength: 0.1, checkpointTime: 60 })
  })

  test('what has passed of the time is not used again', async () => {
    const given = { time: 100 }
    const { options } = await planTime(given, resolveTrain(given), {
      pictureSide: 512,
      spent: () => 40,
      measure: async () => 100,
    })
    expect(options.maxImages).toBe(60 * 100 * 0.95)
  })

  test('a DCGAN keeps its options; only its length follows', async () => {
    const given = { model: 'dcgan', time: '5m' } as const
    const { options } = await planTime(given, resolveTrain(given), {
      pictureSide: 512,
      spent: () => 0,
      measure: async () => 100,
    })
    expect(resolveTrain({ ...options, time: null, maxImages: 1, checkpointTime: '10m', checkpointImages: 1 })).toEqual(
      resolveTrain({ model: 'dcgan', maxImages: 1, checkpointImages: 1 }),
    )
    expect(options.maxImages).toBe(28_500)
  })
})

describe('what is said', () => {
  test('the choice, the speed, and what more time would give', async () => {
    const { lines } = await plan({ time: '5m' }, 60)
    expect(lines[0]).toMatch(/^For 5 m 00 s on this machine: .*size 32.*dim 16.*dimMults 1,2,4/)
    expect(lines[1]).toMatch(/^Measured 60\.0 images a second: about 17100 images/)
    expect(lines[2]).toMatch(/^From about .* on, the choice would be 32 pixels and dim 32$/)
  })

  test('too little time even for the smallest network, and how much would do', async () => {
    const { lines } = await plan({ time: '10s' }, 60)
    expect(lines[2]).toMatch(/^Warning: that is few for 16 pixels: expect blobs\. From .* on it would be enough$/)
  })
})

describe('wrong input', () => {
  const codeOf = (given: AnyTrainOptions) => () => resolveTrain(given)
  test.each([
    { name: 'with a recipe', given: { time: '1h', recipe: 'ozaki2022' } as const, text: /time.*recipe "ozaki2022"/ },
    { name: 'with exact', given: { time: '1h', exact: true }, text: /time.*exact fixes; use maxTime/ },
    { name: 'no time', given: { time: '0s' }, text: /time/ },
    { name: 'words', given: { time: 'soon' }, text: /time.*"90s", "20m"/ },
  ])('$name: OPTION_INVALID', ({ given, text }) => {
    expect(codeOf(given as AnyTrainOptions)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(text) }),
    )
  })
})
