import { describe, expect, test } from 'vitest'
import { MemoryPixelStore } from '../../../lib/data/pixel-store.ts'
import { CopySearch, comparedSide, copiesAmong, copyShare, groupsOf } from '../../../lib/evaluate/copies.ts'
import { words } from '../../../lib/evaluate/intervals.ts'
import { fakePixelIndex } from '../../helpers/pixel-index.ts'

const SIZE = 8
const BYTES = SIZE * SIZE * 3
const addon = { pixelIndex: async (pixels: Uint8Array, shape: readonly number[]) => fakePixelIndex(pixels, shape) }

/** Pictures of random bytes, one after the other. */
function pictures(count: number, seed: number): Uint8Array {
  const next = words(seed)
  return Uint8Array.from({ length: count * BYTES }, () => next() & 255)
}

const searchIn = async (pixels: Uint8Array, groups: { variant?: number }[]) =>
  (await CopySearch.over(addon, new MemoryPixelStore(pixels, { size: SIZE, channels: 3 }), groupsOf(groups)))!

const alone = (count: number) => Array.from({ length: count }, () => ({}))

const mirror = (pixels: Uint8Array) =>
  Uint8Array.from(pixels, (_, i) => {
    const x = Math.floor(i / 3) % SIZE
    return pixels[i + (SIZE - 1 - 2 * x) * 3]!
  })

const noised = (pixels: Uint8Array) => pixels.map((value, i) => Math.min(255, Math.max(0, value + ((i * 7) % 11) - 5)))

describe('near copies', () => {
  const train = pictures(40, 1)

  test.each([
    ['played back', train],
    ['mirrored', mirror(train)],
    ['slightly noised', noised(train)],
    ['mirrored and noised', noised(mirror(train))],
  ])('training pictures %s are all of them copies', async (_, samples) => {
    const found = await (await searchIn(train, alone(40))).nearest(samples)
    expect([...found.index]).toEqual(Array.from({ length: 40 }, (_, i) => i))
    expect(copyShare(copiesAmong(found), 1)).toMatchObject({ value: 1, n: 40 })
  })

  test('other pictures are none', async () => {
    const found = await (await searchIn(train, alone(40))).nearest(pictures(50, 2))
    expect(copyShare(copiesAmong(found), 1)).toMatchObject({ value: 0, low: 0, n: 50 })
    expect(Math.min(...found.ratio)).toBeGreaterThan(0.5)
  })

  test('of a picture that is in the set twice are seen once its near-duplicates are one group', async () => {
    const doubled = new Uint8Array([...train, ...noised(train)])
    const groups = [...alone(40), ...alone(40)].map((_, i) => ({ variant: i % 40 }))
    const samples = noised(mirror(train)).map((value, i) => Math.min(255, value + (i % 3)))
    const blind = await (await searchIn(doubled, alone(80))).nearest(samples)
    const grouped = await (await searchIn(doubled, groups)).nearest(samples)
    expect(copyShare(copiesAmong(blind), 1).value).toBeLessThan(0.5)
    expect(copyShare(copiesAmong(grouped), 1).value).toBe(1)
  })

  test('an exact copy of a picture that is there twice counts, though the second is as near', async () => {
    const doubled = new Uint8Array([...train, ...train.subarray(0, BYTES)])
    const { ratio } = await (await searchIn(doubled, alone(41))).nearest(train.subarray(0, BYTES))
    expect([...ratio]).toEqual([0])
  })
})

describe('what cannot be told', () => {
  test('near-duplicates only, and one picture only', async () => {
    const store = new MemoryPixelStore(pictures(2, 1), { size: SIZE, channels: 3 })
    expect(await CopySearch.over(addon, store, groupsOf([{ variant: 0 }, { variant: 0 }]))).toBeUndefined()
    const one = new MemoryPixelStore(pictures(1, 1), { size: SIZE, channels: 3 })
    expect(await CopySearch.over(addon, one, groupsOf([{}]))).toBeUndefined()
  })

  test('pictures are compared at their own size, at 64 px at most, and smaller where there are very many', () => {
    expect([comparedSide(100, 32, 3), comparedSide(100, 64, 3), comparedSide(100, 128, 3)]).toEqual([32, 64, 64])
    const side = comparedSide(50_000, 128, 3)!
    expect([side < 64, side >= 32, 50_000 * side * side * 3 <= 2 ** 28]).toEqual([true, true, true])
    expect(comparedSide(10_000_000, 128, 3)).toBeUndefined()
  })
})

test('large pictures are shrunk before they are compared', async () => {
  const size = 128
  const large = (seed: number) => {
    const next = words(seed)
    const colours = Uint8Array.from({ length: 16 * 16 * 3 }, () => next() & 255)
    return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
      const [x, y, c] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size), i % 3]
      return colours[((y >> 3) * 16 + (x >> 3)) * 3 + c]!
    })
  }
  const store = new MemoryPixelStore(new Uint8Array([...large(1), ...large(2), ...large(3)]), { size, channels: 3 })
  const search = (await CopySearch.over(addon, store, groupsOf(alone(3))))!
  expect(search.side).toBe(64)
  const { index, ratio } = await search.nearest(large(2))
  expect([[...index], [...ratio]]).toEqual([[1], [0]])
})
