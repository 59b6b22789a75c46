/** The sliced Wasserstein distance of two sets of pictures. */
import { beforeAll, describe, expect, test } from 'vitest'
import { finishMeasure } from '../../lib/evaluate/finish-measure.ts'
import type { NativeEvaluate } from '../../lib/native/evaluate.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { hashed } from '../helpers/hashed.ts'

let addon: NativeEvaluate
beforeAll(async () => {
  addon = withThreads(await loadAddon(), 2)
})

type Options = { count?: number; size?: number; seed?: number; noise?: number; piece?: number; perPicture?: number }

/** Pictures of discs, others for each seed, with noise on them. */
function discs({ count = 24, size = 32, seed = 1, noise = 0 }: Options): Uint8Array {
  const [random, grain] = [hashed(count * 5, seed), hashed(count * size * size * 3, seed + 1)]
  return Uint8Array.from({ length: count * size * size * 3 }, (_, at) => {
    const [c, x, y] = [at % 3, Math.floor(at / 3) % size, Math.floor(at / 3 / size) % size]
    const i = Math.floor(at / 3 / size / size) * 5
    const away = Math.hypot(x - size * (0.5 + 0.5 * random[i]!), y - size * (0.5 + 0.5 * random[i + 1]!))
    const inside = 1 / (1 + Math.exp((away - size / 4) * 2))
    return 127 + 200 * inside * random[i + 2 + c]! + noise * grain[at]!
  })
}

async function patchesOf(options: Options, pixels = discs(options)) {
  const { count = 24, size = 32, piece = count, perPicture = 16 } = options
  const patches = await addon.patches({ perPicture, seed: 3 })
  const bytes = size * size * 3
  for (let i = 0; i < count; i += piece) {
    const n = Math.min(piece, count - i)
    await patches.append(pixels.subarray(i * bytes, (i + n) * bytes), [n, size, size, 3])
  }
  return patches
}

const distance = async (a: Options, b: Options, projections = 64) =>
  finishMeasure(await addon.slicedWasserstein(await patchesOf(a), await patchesOf(b), { projections, seed: 7 }))

describe('its levels', () => {
  test.each([
    [7, [7]],
    [16, [16]],
    [31, [31]],
    [32, [32, 16]],
    [128, [128, 64, 32, 16]],
    [40, [40, 20]],
  ])('of pictures of %i pixels are of %j', async (size, heights) => {
    const { levels, ...found } = await distance({ size, count: 2 }, { size, count: 2, seed: 9 }, 3)
    expect([...found.heights]).toEqual(heights)
    expect(levels).toHaveLength(heights.length)
    expect(found.value).toBeCloseTo(levels.reduce((sum, value) => sum + value) / levels.length, 9)
  })
})

test('of a set and itself it is 0, in whatever pieces the pictures come', async () => {
  expect((await distance({}, { piece: 7 })).value).toBe(0)
})

test('noise moves the finest level, and far more than fresh pictures by the same hand do', async () => {
  const all = { perPicture: 64 }
  const other = { ...all, seed: 500 }
  const [fresh, noisy] = [await distance(all, other), await distance(all, { ...other, noise: 30 })]
  expect(noisy.levels[0]!).toBeGreaterThan(2 * fresh.levels[0]!)
})

test('sets of two sizes: pictures that are all there twice change nothing', async () => {
  const options = { count: 3, perPicture: 400, size: 12 }
  const pixels = discs(options)
  const twice = await patchesOf({ ...options, count: 6 }, Uint8Array.of(...pixels, ...pixels))
  const other = await patchesOf({ ...options, seed: 50 })
  const args = { projections: 64, seed: 7 }
  const once = await finishMeasure(await addon.slicedWasserstein(await patchesOf(options), other, args))
  const { value } = await finishMeasure(await addon.slicedWasserstein(twice, other, args))
  // The places of the patches differ.
  expect(value / once.value).toBeCloseTo(1, 1)
})

describe('errors', () => {
  test('pictures smaller than a patch, or of another size than those before: SHAPE_INVALID', async () => {
    const patches = await addon.patches({ perPicture: 1, seed: 1 })
    await expect(patches.append(new Uint8Array(108), [1, 6, 6, 3])).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await patches.append(new Uint8Array(192), [1, 8, 8, 3])
    await expect(patches.append(new Uint8Array(243), [1, 9, 9, 3])).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringMatching(/9x9.*8x8/),
    })
  })

  test('sets of two picture sizes: SHAPE_INVALID; an empty one: DATA_TOO_FEW; no patches: NATIVE_FAILED', async () => {
    await expect(distance({ size: 8, count: 1 }, { size: 9, count: 1 })).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
    })
    const [some, none] = [await patchesOf({}), await addon.patches({ perPicture: 1, seed: 1 })]
    const args = { projections: 4, seed: 1 }
    await expect(addon.slicedWasserstein(some, none, args)).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    await expect(addon.slicedWasserstein(some, some, { ...args, projections: 0 })).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
    })
    await expect(addon.patches({ perPicture: 0, seed: 1 })).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    const features = await addon.features(3, 3)
    await expect(async () => addon.slicedWasserstein(features as never, some, args)).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
    })
  })
})
