/** Metrics and features of networks, against what the published packages give (test/exactness/metrics.py). */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { finishMeasure } from '../../lib/evaluate/finish-measure.ts'
import type { HostTensor } from '../../lib/native/addon.ts'
import type { EmbedderSpec, NativeEvaluate } from '../../lib/native/evaluate.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { hashedPixels, hashedRows, madeUpWeights } from '../helpers/hashed.ts'

type Sets = { n: number; m: number; width: number; k: number; projections: number; seed: number } & Record<
  'fid' | 'precision' | 'recall' | 'density' | 'coverage' | 'authPct' | 'mind',
  number
> & { kid: number | null }
type Network = {
  network: EmbedderSpec['network']
  layers: [string, string, number[]][]
  features: Record<string, number[][]>
}
const golden = JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8')) as {
  sets: Sets[]
  patches: {
    n: number
    m: number
    size: number
    levels: number[]
    per_picture: number
    projections: number
    seed: number
  }[]
  pictures: [number, number, number, number]
  networks: Network[]
}

let addon: NativeEvaluate
beforeAll(async () => {
  addon = withThreads(await loadAddon(), 2)
})

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length

describe.each(golden.sets)(
  '$n and $m rows of $width features',
  ({ n, m, width, k, projections, seed, ...expected }) => {
    const setOf = async (count: number, seed: number) => {
      const features = await addon.features(width, count)
      await features.append(hashedRows(count, width, seed))
      return features
    }
    const sets = async () => [await setOf(n, 1), await setOf(m, 2)] as const

    test('FID of pytorch-fid', async () => {
      const { value } = await finishMeasure(await addon.frechetDistance(...(await sets())))
      expect(Math.abs(value / expected.fid - 1)).toBeLessThan(1e-6)
    })

    test.skipIf(expected.kid === null)('KID of torch-fidelity', async () => {
      const measure = await addon.kernelDistance(...(await sets()), { bootstraps: 0, seed: 1 })
      expect((await finishMeasure(measure)).value).toBeCloseTo(expected.kid!, 9)
    })

    test('precision, recall, density and coverage of prdc; AuthPct', async () => {
      const found = await finishMeasure(await addon.precisionRecall(...(await sets()), { k }))
      expect(mean(found.precise)).toBeCloseTo(expected.precision, 9)
      expect(mean(found.recalled)).toBeCloseTo(expected.recall, 9)
      expect(mean(found.density)).toBeCloseTo(expected.density, 9)
      expect(mean(found.covered)).toBeCloseTo(expected.coverage, 9)
      expect(100 * mean(found.authentic)).toBeCloseTo(expected.authPct, 9)
    })

    test('MIND, with the same random directions', async () => {
      const measure = await addon.mind(...(await sets()), { projections, seed })
      expect(Math.abs((await finishMeasure(measure)).value / expected.mind - 1)).toBeLessThan(1e-5)
    })
  },
)

test.each(golden.patches)('sliced Wasserstein distance of $n and $m pictures of $size pixels', async (given) => {
  const { n, m, size, levels, per_picture: perPicture, projections, seed } = given
  const patchesOf = async (count: number, i: number) => {
    const patches = await addon.patches({ perPicture, seed })
    const pixels = hashedPixels(count * size * size * 3, 10 + i).map((value) => value >> i)
    await patches.append(pixels, [count, size, size, 3])
    return patches
  }
  const [a, b] = [await patchesOf(n, 0), await patchesOf(m, 1)]
  const found = await finishMeasure(await addon.slicedWasserstein(a, b, { projections, seed }))
  expect(found.levels).toHaveLength(levels.length)
  for (const [i, value] of levels.entries()) expect(found.levels[i]! / value).toBeCloseTo(1, 4)
})

describe.each(golden.networks)('$network', ({ network, layers, features }) => {
  const shape = golden.pictures
  const pixels = hashedPixels(
    shape.reduce((a, b) => a * b),
    3,
  )
  let weights: HostTensor[]
  beforeAll(() => {
    weights = madeUpWeights(layers)
  })
  const widest = Math.max(...Object.keys(features).map(Number))
  const make = (output: number, tensors: HostTensor[] = weights) =>
    addon.embedder({ network, output, device: 'cpu' }, tensors)

  test.each(Object.entries(features))('its %s features are those of the published program', async (key, expected) => {
    const width = Number(key)
    const embedder = await make(width)
    const found = await embedder.embed(pixels, shape)
    expect(found).toHaveLength(shape[0] * width)
    const stride = Math.floor(width / 16)
    for (const [row, values] of expected.entries())
      for (const [i, value] of values.entries())
        expect(Math.abs(found[row * width + i * stride]! - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)))
    embedder.dispose()
  })

  test('a tensor that is missing or of another shape: CHECKPOINT_MISMATCH names it', async () => {
    const [conv, norm] = layers.at(-1)!
    for (const name of [`${conv}.weight`, `${norm}.running_var`]) {
      const without = weights.filter((tensor) => tensor.name !== name)
      const short = { name, dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }
      for (const tensors of [without, [...without, short]])
        await expect(make(widest, tensors)).rejects.toMatchObject({
          code: 'CHECKPOINT_MISMATCH',
          message: expect.stringContaining(`"${name}"`),
        })
    }
  })

  test('pictures of another number of channels: SHAPE_INVALID; weights that give NaN: WEIGHTS_NOT_FINITE', async () => {
    const output = Math.min(...Object.keys(features).map(Number))
    const embedder = await make(output)
    await expect(embedder.embed(new Uint8Array(64), [1, 8, 8, 1])).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(embedder.embed(new Uint8Array(63), [1, 8, 8, 1])).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    const [first, ...rest] = weights
    const broken = { ...first!, bytes: new Uint8Array(first!.bytes.length).fill(255) }
    const bad = await make(output, [broken, ...rest])
    await expect(bad.embed(pixels, shape)).rejects.toMatchObject({ code: 'WEIGHTS_NOT_FINITE' })
  })

  test('a width that it does not have: NATIVE_FAILED', async () => {
    await expect(make(100)).rejects.toMatchObject({ code: 'NATIVE_FAILED', message: expect.stringContaining('100') })
  })
})

test('an unknown network: NATIVE_FAILED', async () => {
  const spec = { network: 'vgg', output: 10, device: 'cpu' } as unknown as EmbedderSpec
  await expect(addon.embedder(spec, [])).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
})
