/** Grids: laid out as torchvision does, in either format, with one row of pictures held. */
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { PictureFormat } from '../../../lib/images/encode.ts'
import { encodeGrid, type GridShape, gridLayout, gridRows, requireGridFits } from '../../../lib/images/grid.ts'
import { isMadeHere, readXmp } from '../../../lib/images/xmp.ts'
import { noise } from '../../helpers/pictures.ts'

const picturesOf = ({ count, size, channels }: GridShape): Uint8Array[] =>
  Array.from({ length: count }, (_, n) =>
    Uint8Array.from({ length: size * size * channels }, (_, i) => noise(i + n * 997)),
  )

/** torchvision's make_grid, pixel by pixel: 2 black pixels around each picture. */
function expectedGrid(shape: GridShape): Uint8Array {
  const { size, channels } = shape
  const { across, width, height } = gridLayout(shape)
  const pictures = picturesOf(shape)
  const grid = new Uint8Array(width * height * channels)
  for (const [i, picture] of pictures.entries())
    for (const [at, value] of picture.entries()) {
      const [y, x, c] = [Math.floor(at / channels / size), Math.floor(at / channels) % size, at % channels]
      const [top, left] = [2 + Math.floor(i / across) * (size + 2) + y, 2 + (i % across) * (size + 2) + x]
      grid[(top * width + left) * channels + c] = value
    }
  return grid
}

async function rowsOf(pictures: Iterable<Uint8Array>, shape: GridShape): Promise<number[]> {
  const rows: number[] = []
  for await (const some of gridRows(pictures, shape)) rows.push(...some)
  return rows
}

describe('layout', () => {
  test('two pictures of one pixel', async () => {
    const blank = [0, 0, 0, 0, 0, 0, 0, 0]
    const shape = { count: 2, size: 1, channels: 1 }
    expect(gridLayout(shape)).toEqual({ across: 2, width: 8, height: 5 })
    expect(await rowsOf([Uint8Array.of(7), Uint8Array.of(9)], shape)).toEqual([
      ...blank,
      ...blank,
      ...[0, 0, 7, 0, 0, 9, 0, 0],
      ...blank,
      ...blank,
    ])
  })

  test('one picture stays as it is; columns can be given', async () => {
    const one = Uint8Array.of(1, 2, 3, 4)
    expect(await rowsOf([one], { count: 1, size: 2, channels: 1 })).toEqual([...one])
    expect(gridLayout({ count: 1, size: 2, channels: 1 })).toMatchObject({ width: 2, height: 2 })
    expect(gridLayout({ count: 4, size: 1, channels: 1, columns: 4 })).toMatchObject({ width: 14, height: 5 })
    expect(gridLayout({ count: 2, size: 1, channels: 1, columns: 8 })).toMatchObject({ width: 8, height: 5 })
  })

  test.each([
    { count: 5, size: 2, channels: 3 },
    { count: 7, size: 3, channels: 1 },
    { count: 9, size: 4, channels: 4 },
    { count: 6, size: 2, channels: 3, columns: 4 },
  ])('%o: every pixel in its place, black elsewhere', async (shape) => {
    expect(await rowsOf(picturesOf(shape), shape)).toEqual([...expectedGrid(shape)])
  })

  test('none, too few or too many pictures, or one of another size: RangeError', async () => {
    const shape = { count: 3, size: 2, channels: 1 }
    const [a, b, c] = picturesOf(shape) as [Uint8Array, Uint8Array, Uint8Array]
    expect(() => gridLayout({ ...shape, count: 0 })).toThrow(RangeError)
    for (const pictures of [[], [a, b], [a, b, c, a], [a, b.subarray(1), c]])
      await expect(rowsOf(pictures, shape)).rejects.toThrow(RangeError)
  })

  test('a row of pictures is given before the next picture is asked for', async () => {
    const shape = { count: 6, size: 2, channels: 1, columns: 2 }
    let asked = 0
    function* pictures() {
      for (const picture of picturesOf(shape)) {
        asked += 1
        yield picture
      }
    }
    const seen: number[] = []
    for await (const _ of gridRows(pictures(), shape)) seen.push(asked)
    expect(seen).toEqual([0, 2, 4, 6])
  })
})

describe('encodeGrid', () => {
  test.each<PictureFormat>(['png', 'webp'])('%s keeps every pixel and what is said', async (format) => {
    for (const channels of [1, 3, 4]) {
      const shape = { count: 5, size: 6, channels }
      const file = await buffer(encodeGrid(picturesOf(shape), shape, format, { seeds: '1-5' }))
      const image = sharp(file)
      const { xmpAsString, ...metadata } = await image.metadata()
      expect(metadata).toMatchObject({ format, width: 26, height: 18 })
      expect(readXmp(xmpAsString!)?.settings).toEqual({ seeds: '1-5' })
      const pixels = await image
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer()
      expect(pixels.equals(expectedGrid(shape))).toBe(true)
    }
  })

  test('of pictures that no model made says only where it was made', async () => {
    const shape = { count: 2, size: 2, channels: 1 }
    for (const format of ['png', 'webp'] as const) {
      const { xmpAsString } = await sharp(await buffer(encodeGrid(picturesOf(shape), shape, format))).metadata()
      expect([isMadeHere(xmpAsString!), readXmp(xmpAsString!)]).toEqual([true, null])
      expect(xmpAsString).not.toContain('trainedAlgorithmicMedia')
    }
  })

  test('WebP takes 16383 pixels a side: more is OPTION_INVALID, which says so, before any picture is asked for', async () => {
    const wide = { count: 128 ** 2, size: 126, channels: 1 }
    expect(() => requireGridFits({ ...wide, count: 127 ** 2 }, 'webp')).not.toThrow()
    expect(() => requireGridFits(wide, 'png')).not.toThrow()
    const untouched: Iterable<Uint8Array> = { [Symbol.iterator]: () => expect.unreachable('a picture was asked for') }
    await expect(buffer(encodeGrid(untouched, wide, 'webp'))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/16386 x 16386 pixels.* 16383 a side; name a \.png/),
    })
  })
})
