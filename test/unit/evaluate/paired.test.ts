/** Of large sets a fair choice is compared one by one, always the same, and everything else passes through. */
import { expect, test } from 'vitest'
import { MemoryPixelStore } from '../../../lib/data/pixel-store.ts'
import { collectRows, type FeatureNative } from '../../../lib/evaluate/features.ts'
import { judge } from '../../../lib/evaluate/judge.ts'
import { MAX_PAIRED, mixed, pairedOf } from '../../../lib/evaluate/paired.ts'
import type { NativeEvaluate } from '../../../lib/native/evaluate.ts'
import { fakeEvaluate } from '../../helpers/fake-evaluate.ts'

const COUNT = MAX_PAIRED + 100
/** Each pixel of picture i has the two bytes of i, so that its mirror image is itself. */
const setOf = (count: number) =>
  new MemoryPixelStore(
    Uint8Array.from({ length: count * 12 }, (_, i) => (Math.floor(i / 12) >> (8 * (i % 3))) & 255),
    { size: 2, channels: 3 },
  )

test('a set that is small enough stays as it is', () => {
  const set = setOf(3)
  expect(mixed(set).pictures).toBe(set)
  expect([mixed(set).placeOf(2), pairedOf(set)]).toEqual([2, set])
})

test('of a larger one the first are a choice of all, the same again, and known by their places', async () => {
  const { pictures, placeOf } = mixed(setOf(COUNT))
  const some = pairedOf(pictures)
  expect([pictures.count, some.count]).toEqual([COUNT, MAX_PAIRED])
  const [low, high] = await some.read([7])
  expect(placeOf(7)).toBe(low! + 256 * high!)
  const places = Array.from({ length: MAX_PAIRED }, (_, i) => placeOf(i))
  expect(new Set(places).size).toBe(MAX_PAIRED)
  expect(places.filter((place) => place >= MAX_PAIRED).length).toBeGreaterThan(50)
  expect(places.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => mixed(setOf(COUNT)).placeOf(i)))
})

/** Counts rows that come, and what is not disposed of. */
function fakeFeatures() {
  const seen = { kept: 0, rows: 0, held: 0 }
  const addon = {
    features: async (width: number, kept: number) => {
      seen.kept = kept
      seen.held += 1
      return {
        async append(rows: Float32Array) {
          seen.rows += rows.length / width
        },
        dispose() {
          seen.held -= 1
        },
      }
    },
  }
  return { seen, addon: addon as unknown as FeatureNative }
}

test('all rows of features are seen, and the first are kept', async () => {
  const { seen, addon } = fakeFeatures()
  async function* rows() {
    for (let first = 0; first < COUNT; first += 60)
      yield Float32Array.from({ length: 2 * Math.min(60, COUNT - first) }, (_, i) => first + Math.floor(i / 2))
  }
  const set = await collectRows(addon, 2, COUNT, rows())
  expect(seen).toEqual({ kept: MAX_PAIRED, rows: COUNT, held: 1 })
  expect(set).toMatchObject({ count: COUNT, kept: MAX_PAIRED, width: 2 })
  expect([set.rows.length, set.rows.at(-1)]).toEqual([2 * MAX_PAIRED, MAX_PAIRED - 1])
})

test('rows that fail leave nothing behind', async () => {
  const { seen, addon } = fakeFeatures()
  async function* rows() {
    yield new Float32Array(2)
    throw new Error('no way')
  }
  await expect(collectRows(addon, 2, 5, rows())).rejects.toThrow('no way')
  expect(seen.held).toBe(0)
})

test('a judgement says how many were compared, and shows pairs by their own places', async () => {
  const native = fakeEvaluate()
  const call = {
    sets: { samples: setOf(COUNT), reference: setOf(5), groups: Int32Array.of(0, 1, 2, 3, 4), heldOut: null },
    extractor: { missing: 'there is none' },
    ...{ statistics: null, kept: null, reference: 'training pictures', format: 'png', seed: 0 },
  }
  const { judgement, pixels, pairs } = await judge(native as unknown as NativeEvaluate, call, {})
  expect(judgement).toMatchObject({
    n: COUNT,
    basis: { paired: { samples: MAX_PAIRED, reference: 5, heldOut: null }, samples: { count: COUNT } },
  })
  expect(pixels.nearest.indices).toHaveLength(MAX_PAIRED)
  const same = pairs.pixels.filter(({ distance }) => distance === 0)
  expect(same.length).toBeGreaterThan(0)
  for (const { sample, reference } of same) expect(sample).toBe(reference)
})
