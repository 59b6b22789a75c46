/** The nearest pictures by their pixels, against a plain computation. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { NativeEvaluate } from '../../lib/native/evaluate.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { drawnPixels } from '../helpers/specs.ts'

let addon: NativeEvaluate
beforeAll(async () => {
  addon = withThreads(await loadAddon(), 2)
})

type Set = { pixels: Uint8Array; shape: [number, number, number, number] }

/** Pictures of no structure, the same for the same seed. */
function noise(count: number, height: number, width: number, channels: number, seed: number): Set {
  const pixels = new Uint8Array(count * height * width * channels)
  let state = seed
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    pixels[i] = state >>> 24
  }
  return { pixels, shape: [count, height, width, channels] }
}

const pictureOf = ({ pixels, shape: [, h, w, c] }: Set, i: number) =>
  pixels.subarray(i * h * w * c, (i + 1) * h * w * c)

function mirror({ pixels, shape }: Set): Set {
  const [, , w, c] = shape
  const mirrored = pixels.map((_, i) => {
    const x = Math.floor(i / c) % w
    return pixels[i + (w - 1 - 2 * x) * c]!
  })
  return { pixels: mirrored, shape }
}

const metrics = {
  l1: (a: Uint8Array, b: Uint8Array) => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length,
  l2: (a: Uint8Array, b: Uint8Array) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length),
}

type Args = { k: number; metric: 'l1' | 'l2'; mirrored: boolean }

function plain(index: Set, query: Set, { k, metric, mirrored }: Args) {
  const [indices, distances]: [number[], number[]] = [[], []]
  for (let i = 0; i < query.shape[0]; i++) {
    const forms = [pictureOf(query, i), ...(mirrored ? [pictureOf(mirror(query), i)] : [])]
    const found = Array.from({ length: index.shape[0] }, (_, j) => ({
      j,
      distance: Math.min(...forms.map((form) => metrics[metric](form, pictureOf(index, j)))),
    }))
    found.sort((a, b) => a.distance - b.distance || a.j - b.j)
    for (const { j, distance } of found.slice(0, k)) {
      indices.push(j)
      distances.push(distance)
    }
  }
  return { indices: Int32Array.from(indices), distances: Float64Array.from(distances) }
}

const cases: [string, Set, Set][] = [
  ['small colour', noise(17, 6, 5, 3, 1), noise(9, 6, 5, 3, 2)],
  ['more bytes than one piece of a sum', noise(5, 50, 41, 3, 3), noise(3, 50, 41, 3, 4)],
  ['grey', noise(8, 7, 7, 1, 5), noise(4, 7, 7, 1, 6)],
  ['a single one', noise(1, 4, 4, 3, 7), noise(2, 4, 4, 3, 8)],
]

describe.each(cases)('%s', (_, index, query) => {
  const [count] = index.shape
  const args = [1, Math.min(3, count), count].flatMap((k) =>
    (['l1', 'l2'] as const).flatMap((metric) => [true, false].map((mirrored): Args => ({ k, metric, mirrored }))),
  )
  test.each(args)('%o', async (args) => {
    const native = await addon.pixelIndex(index.pixels, index.shape)
    expect(await native.nearest(query.pixels, query.shape, args)).toEqual(plain(index, query, args))
  })
})

test('distances of smooth pictures far apart and of opposite ones are exact', async () => {
  const black = { pixels: new Uint8Array(2 * 512 * 512 * 3), shape: [2, 512, 512, 3] }
  black.pixels.fill(1, 512 * 512 * 3)
  const white = { pixels: new Uint8Array(512 * 512 * 3).fill(255), shape: [1, 512, 512, 3] }
  const index = await addon.pixelIndex(black.pixels, black.shape)
  for (const metric of ['l1', 'l2'] as const) {
    const found = await index.nearest(white.pixels, white.shape, { k: 2, metric, mirrored: true })
    expect(found).toEqual({ indices: Int32Array.of(1, 0), distances: Float64Array.of(254, 255) })
  }
})

test('a copy has distance 0, mirrored or not; of equal pictures the first comes first', async () => {
  const pixels = drawnPixels(6, 16, 3)
  const set: Set = { pixels, shape: [6, 16, 16, 3] }
  const twice = Uint8Array.of(...pixels, ...pixels)
  const index = await addon.pixelIndex(twice, [12, 16, 16, 3])
  for (const query of [set, mirror(set)]) {
    const { indices, distances } = await index.nearest(query.pixels, query.shape, {
      k: 2,
      metric: 'l2',
      mirrored: true,
    })
    expect([...distances]).toEqual(new Array(12).fill(0))
    expect([...indices]).toEqual([0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
  }
  const { distances } = await index.nearest(mirror(set).pixels, set.shape, { k: 1, metric: 'l2', mirrored: false })
  expect(Math.min(...distances)).toBeGreaterThan(1)
})

test('the pixels are copied: what is done to them later changes nothing', async () => {
  const pixels = drawnPixels(3, 16, 3)
  const index = await addon.pixelIndex(pixels, [3, 16, 16, 3])
  const query = pixels.slice(0, 16 * 16 * 3)
  pixels.fill(0)
  const found = await index.nearest(query, [1, 16, 16, 3], { k: 1, metric: 'l1', mirrored: false })
  expect(found).toEqual({ indices: Int32Array.of(0), distances: Float64Array.of(0) })
})

describe('errors', () => {
  const args: Args = { k: 1, metric: 'l1', mirrored: false }
  const small = async () => addon.pixelIndex(drawnPixels(2, 16, 3), [2, 16, 16, 3])

  test('pixels that do not fit their shape, or are no pictures: SHAPE_INVALID', async () => {
    const index = await small()
    for (const call of [
      () => addon.pixelIndex(new Uint8Array(10), [1, 2, 2, 3]),
      () => addon.pixelIndex(new Uint8Array(0), [0, 2, 2, 3]),
      () => index.nearest(new Uint8Array(10), [1, 16, 16, 3], args),
      () => index.nearest(new Uint8Array(0), [0, 16, 16, 3], args),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
  })

  test('pictures of another size: SHAPE_INVALID with both', async () => {
    await expect((await small()).nearest(new Uint8Array(12), [1, 2, 2, 3], args)).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringMatching(/1x2x2x3.*2x16x16x3/),
    })
  })

  test('a k that is not 1 to the size of the index: SHAPE_INVALID', async () => {
    const [index, query] = [await small(), drawnPixels(1, 16, 3)]
    for (const k of [0, 3, -1])
      await expect(index.nearest(query, [1, 16, 16, 3], { ...args, k })).rejects.toMatchObject({
        code: 'SHAPE_INVALID',
        message: expect.stringMatching(/1 to 2/),
      })
  })

  test('arguments of a wrong type, an unknown metric, a call after dispose', async () => {
    const index = await small()
    const query = drawnPixels(1, 16, 3)
    const wrong = index as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    for (const given of [
      [],
      [query, 'x', args],
      [null, [1, 16, 16, 3], args],
      [query, [1, 16, 16, 3], { ...args, metric: 'l3' }],
      [query, [1, 16, 16, 3], { k: 1, metric: 'l1' }],
    ])
      await expect(async () => wrong.nearest!(...given)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    await expect(async () => addon.pixelIndex('x' as never, [1])).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    index.dispose()
    await expect(async () => index.nearest(query, [1, 16, 16, 3], args)).rejects.toMatchObject({ code: 'DISPOSED' })
  })
})
