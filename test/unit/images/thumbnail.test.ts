/** A picture in a few hundred bytes: cells of brightness and colour, whatever its size and channels. */
import { describe, expect, test } from 'vitest'
import { CHROMA_CELLS, LUMA_CELLS, mirrored, THUMBNAIL_BYTES, thumbnailOf } from '../../../lib/images/thumbnail.ts'
import { noise } from '../../helpers/pictures.ts'

const square = (size: number, channels: number, valueAt: (x: number, y: number, channel: number) => number) =>
  Uint8Array.from({ length: size * size * channels }, (_, i) =>
    valueAt(Math.floor(i / channels) % size, Math.floor(i / channels / size), i % channels),
  )

const flat = (colour: readonly number[], size = 20) =>
  thumbnailOf(
    square(size, colour.length, (_x, _y, channel) => colour[channel]!),
    { size, channels: colour.length },
  )

/** The one brightness and the one pair of colours of a thumbnail that is the same everywhere. */
function only(thumbnail: Uint8Array) {
  expect(thumbnail.length).toBe(THUMBNAIL_BYTES)
  const [luma] = new Set(thumbnail.subarray(0, LUMA_CELLS))
  expect(new Set(thumbnail.subarray(0, LUMA_CELLS)).size).toBe(1)
  const [blue, red] = thumbnail.subarray(LUMA_CELLS)
  for (let i = 0; i < CHROMA_CELLS; i++)
    expect([...thumbnail.subarray(LUMA_CELLS + 2 * i, LUMA_CELLS + 2 * i + 2)]).toEqual([blue, red])
  return [luma, blue, red]
}

describe('a flat picture', () => {
  test.each([8, 16, 20, 33, 64])('of any size has one brightness and one colour: %i px', (size) =>
    // JPEG's luma of it, and its differences: 0.299 R + 0.587 G + 0.114 B; 128 + 0.564 (B - Y), 128 + 0.713 (R - Y).
    expect(only(flat([200, 100, 50], size))).toEqual([124, 86, 182]),
  )

  test('is grey with one channel', () => expect(only(flat([77]))).toEqual([77, 128, 128]))

  test('lies on white where it is transparent', () => {
    expect(only(flat([0, 0, 0, 0]))).toEqual([255, 128, 128])
    expect(only(flat([0, 0, 0, 255]))).toEqual([0, 128, 128])
    expect(only(flat([0, 0, 0, 51]))).toEqual([204, 128, 128])
  })
})

test('each cell has the mean of what lies in it, also where pixels lie in two', () => {
  const size = 24
  // Of each cell 1.5 pixels: columns 0 and 1 share the second one half and half.
  const pixels = square(size, 1, (x) => (x === 0 ? 90 : x === 1 ? 60 : 0))
  const cells = thumbnailOf(pixels, { size, channels: 1 })
  expect([...cells.subarray(0, 3)]).toEqual([80, 20, 0])
  expect([...cells.subarray(240, 243)]).toEqual([80, 20, 0])
})

test('mirrored, it is that of the mirrored picture', () => {
  const size = 40
  const valueAt = (x: number, y: number, channel: number) =>
    noise(3 * (40 * Math.floor(y / 5) + Math.floor(x / 5)) + channel)
  const [picture, other] = [valueAt, (x: number, y: number, c: number) => valueAt(size - 1 - x, y, c)].map((at) =>
    thumbnailOf(square(size, 3, at), { size, channels: 3 }),
  )
  expect(picture).not.toEqual(other)
  expect(mirrored(picture!)).toEqual(other)
})
