/** The same drawing in other colours is one family, mirrored too; drawings by one hand are not. */
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { MemoryPixelStore, UnkeptPixelStore } from '../../../lib/data/pixel-store.ts'
import { familiesOf, groupVariants, MAX_COMPARED } from '../../../lib/data/variants.ts'
import { drawIcon } from '../../../lib/icons/icons.ts'
import { mirroredOutlines, outlineBytes, outlinesOf } from '../../../lib/images/outlines.ts'

const SIZE = 32
const COUNT = 40
const shape = { size: SIZE, channels: 3 }
const alone = (count: number) => Int32Array.from({ length: count }, (_, i) => i)

let icons: Uint8Array[]
beforeAll(async () => {
  const pictures = Array.from({ length: COUNT }, (_, i) =>
    sharp(Buffer.from(drawIcon(1, i)))
      .flatten({ background: '#fff' })
      .resize(SIZE, SIZE)
      .raw()
      .toBuffer(),
  )
  icons = await Promise.all(pictures)
})

const storeOf = (pictures: readonly Uint8Array[]) => new MemoryPixelStore(Buffer.concat(pictures), shape)
const groupsIn = async (pictures: readonly Uint8Array[]) => [
  ...(await groupVariants(storeOf(pictures), alone(pictures.length))),
]

const mirror = (pixels: Uint8Array) =>
  pixels.map((_, i) => {
    const x = Math.floor(i / 3) % SIZE
    return pixels[i + (SIZE - 1 - 2 * x) * 3]!
  })

describe('a drawing and the same', () => {
  const ways: Record<string, (pixels: Uint8Array) => Uint8Array> = {
    'with its colours swapped': (pixels) => pixels.map((_, i) => pixels[i - (i % 3) + ((i + 1) % 3)]!),
    'darker and tinted': (pixels) => pixels.map((value, i) => Math.round(value * [0.6, 0.7, 0.8][i % 3]!)),
    'in negative': (pixels) => pixels.map((value) => 255 - value),
    'mirrored, darker': (pixels) => mirror(pixels).map((value) => Math.round(0.6 * value)),
  }
  test.each(Object.entries(ways))('%s are variants', async (_, way) => {
    const some = [0, 7, 31]
    expect(await groupsIn([...icons, ...some.map((i) => way(icons[i]!))])).toEqual([...alone(COUNT), ...some])
  })
})

test('forty faces of one hand are forty drawings, near-duplicates stay together', async () => {
  expect(await groupsIn(icons)).toEqual([...alone(COUNT)])
  const leaders = alone(COUNT)
  leaders[9] = 3
  expect([...(await groupVariants(storeOf(icons), leaders))]).toEqual([...leaders])
})

test('pictures without any edge are no variants of each other', async () => {
  const flat = [10, 90, 200].map((value) => new Uint8Array(SIZE * SIZE * 3).fill(value))
  expect(await groupsIn([...flat, ...icons.slice(0, 3)])).toEqual([0, 1, 2, 3, 4, 5])
})

describe('families', () => {
  const pairs = (list: readonly [number, number, number][]) => list.map(([a, b, distance]) => ({ a, b, distance }))

  test('are joined in steps, whatever the order', () => {
    const chain = pairs([
      [1, 2, 0.06],
      [0, 1, 0.05],
      [0, 2, 0.2],
    ])
    expect([...familiesOf(chain, alone(6))]).toEqual([0, 0, 0, 3, 4, 5])
    expect([...familiesOf(chain.toReversed(), alone(6))]).toEqual([0, 0, 0, 3, 4, 5])
  })

  test('end where the next picture is less than twice as far as the longest step within', () => {
    const near = pairs([
      [0, 1, 0.06],
      [1, 2, 0.1],
      [2, 3, 0.15],
    ])
    expect([...familiesOf(near, alone(9))]).toEqual([...alone(9)])
    expect([...familiesOf(pairs([[0, 1, 0.06]]), alone(9))]).toEqual([0, 0, 2, 3, 4, 5, 6, 7, 8])
    // Nothing nearer than 0.25 is on record: a step of more than half of that may not stand out.
    expect([...familiesOf(pairs([[0, 1, 0.2]]), alone(9))]).toEqual([...alone(9)])
  })

  test('of more than half of the set are its subject, and near-duplicates remain', () => {
    const all = pairs([
      [0, 1, 0.01],
      [1, 2, 0.01],
      [2, 3, 0.01],
    ])
    expect([...familiesOf(all, alone(5))]).toEqual([0, 1, 2, 3, 4])
    expect([...familiesOf(all, Int32Array.of(0, 0, 2, 3, 4))]).toEqual([0, 0, 2, 3, 4])
  })
})

test('the outlines of a mirrored picture are mirrored; smaller pictures keep their size, transparent ones lie on white', () => {
  const [one] = icons as [Uint8Array]
  expect(mirroredOutlines(outlinesOf(one, shape))).toEqual(outlinesOf(mirror(one), shape))
  expect([outlineBytes({ size: 8 }), outlineBytes({ size: 128 })]).toEqual([128, 2048])
  const clear = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => (i % 4 === 3 ? 0 : (i * 37) & 255))
  expect(Math.max(...outlinesOf(clear, { size: 8, channels: 4 }))).toBe(0)
})

test('very large sets are not compared, nor pixels that are not kept', async () => {
  const many = new MemoryPixelStore(new Uint8Array((MAX_COMPARED + 1) * 12), { size: 2, channels: 3 })
  expect(await groupVariants(many, alone(MAX_COMPARED + 1))).toEqual(alone(MAX_COMPARED + 1))
  const unkept = new UnkeptPixelStore(3, shape)
  await expect(unkept.read()).rejects.toMatchObject({ code: 'FILE_FAILED' })
  expect(await groupVariants(unkept, alone(3))).toEqual(alone(3))
})

test('comparing can be aborted', async () => {
  const store = new MemoryPixelStore(new Uint8Array(400 * 12), { size: 2, channels: 3 })
  const abort = new AbortController()
  abort.abort()
  await expect(groupVariants(store, alone(400), abort.signal)).rejects.toMatchObject({ code: 'ABORT_ERR' })
})
