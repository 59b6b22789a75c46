import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeInferenceModel, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { type Case, casesOf } from '../helpers/programs.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallSpec, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
let sets: string[]
let cases: Case[]
beforeAll(async () => {
  addon = await loadAddon()
  sets = (await addon.info()).cpuOps
  cases = casesOf('ops_check')
}, 600_000)

test('a processor with AVX2 has the cpu-avx2 set, one with AVX-512 both, the widest first; arm64 has cpu-neon', async () => {
  if (process.arch === 'arm64') return expect(sets).toEqual(['cpu-neon'])
  const { cpuCapability } = await addon.info()
  const expected: Record<string, string[]> = { AVX2: ['cpu-avx2'], AVX512: ['cpu-avx512', 'cpu-avx2'] }
  expect(sets).toEqual(expected[cpuCapability] ?? [])
})

describe('every operation and network of every set', () => {
  test('is checked', () => {
    expect([...new Set(cases.map(({ set }) => set))].sort()).toEqual([...sets].sort())
    for (const set of sets)
      expect(cases.filter((c) => c.set === set && c.error !== undefined).length).toBeGreaterThan(150)
  })

  test('is within 1e-5 of the reference in double', () => {
    const wrong = cases.filter(({ error }) => error !== undefined && !(error < 1e-5))
    expect(wrong).toEqual([])
  })

  test('gives the same bits again, in any batch, on any number of threads', () => {
    expect(cases.filter(({ same }) => same === 0)).toEqual([])
  })

  test('says how much memory it keeps for weights', () => {
    const told = cases.flatMap((one) => one.told ?? [])
    expect(told).toHaveLength(2 * sets.length)
    for (const share of told) expect(Math.abs(share - 1)).toBeLessThan(0.15)
  })

  test('needs no more memory after 30 more passes', () => {
    const grown = cases.filter(({ growth }) => growth !== undefined && growth > 1024)
    expect(grown).toEqual([])
  })
})

describe('drawing', () => {
  async function draw(
    generator: NativeInferenceModel,
    { seeds, batch = 1, ...args }: Spec & { seeds: readonly number[]; batch?: number },
  ): Promise<Uint8Array> {
    const { pixels } = await drawPixels(generator, { steps: 3, sampler: 'ddim', eta: 0, seeds, batch, ...args })
    return pixels
  }

  /** Generators over the same weights after a few updates, by ops set; "reference" among them. */
  async function trained(options: AnyTrainOptions): Promise<Map<string, NativeInferenceModel>> {
    const trainer = await smallTrainer(addon, options, 4)
    await trainer.step(3)
    const names = (await trainer.tensors()).filter(({ name }) => !/^(ema|optimizer|random|progress)\./.test(name))
    const weights = await Promise.all(names.map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))
    const generators = new Map<string, NativeInferenceModel>()
    for (const set of ['reference', ...sets]) {
      generators.set(set, await addon.inferenceModel(smallSpec(options, set === 'reference' ? [] : [set]), weights))
    }
    return generators
  }

  const worst = (a: Uint8Array, b: Uint8Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

  test.each(['2.3', '0.26'] as const)('U-Net %s: each set draws what the reference draws', async (variant) => {
    const generators = await trained({ variant, timesteps: 50, batch: 2 })
    const seeds = [1, 2, 3]
    const expected = await draw(generators.get('reference')!, { seeds })
    for (const set of sets) {
      const pixels = await draw(generators.get(set)!, { seeds })
      expect(worst(pixels, expected)).toBeLessThanOrEqual(1)
      // One seed gives one picture in any batch, whatever its size.
      for (const batch of [2, 5]) expect(await draw(generators.get(set)!, { seeds, batch })).toEqual(pixels)
    }
  })

  test.each(['pytorch', 'chainer', 'radford'] as const)('DCGAN %s: likewise, in both batch norms', async (variant) => {
    const generators = await trained({ model: 'dcgan', variant, batch: 2 })
    for (const batchNorm of ['batch', 'running']) {
      const args = { seeds: [1, 2, 3], batchNorm, batch: 2 }
      const expected = await draw(generators.get('reference')!, args)
      for (const set of sets) expect(worst(await draw(generators.get(set)!, args), expected)).toBeLessThanOrEqual(1)
    }
  })

  test('a set that the processor lacks is refused by name', async () => {
    await expect(smallTrainer(addon, {}, 2, ['cpu-of-tomorrow'])).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringContaining('cpu-of-tomorrow'),
    })
  })
})
