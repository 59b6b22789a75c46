/** Writing pictures: no pixel and no word is lost; grids are laid out as torchvision does. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { encodePicture, makeGrid, readMetadata } from '../../../lib/images/images.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { claimingPng, flat, noise, RED } from '../../helpers/pictures.ts'

describe('encodePicture and readMetadata', () => {
  const said = { seed: 3407, text: `<a> & "b" 'c' &amp; ]]> \n\t 日本`, share: 0.5, exact: false, none: null }

  test.each(['png', 'webp'] as const)('%s keeps every pixel and what is said', async (format) => {
    const folder = temporaryFolder()
    for (const channels of [1, 3, 4] as const) {
      const pixels = Uint8Array.from({ length: 6 * 4 * channels }, (_, i) => noise(i))
      const path = join(folder, `${channels}.${format}`)
      const bytes = await encodePicture(pixels, { width: 6, height: 4, channels }, format, said)
      await writeFile(path, bytes)
      const back = await sharp(bytes)
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer()
      expect([...back]).toEqual([...pixels])
      expect(await readMetadata(path)).toEqual({
        digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
        settings: said,
      })
    }
  })

  test('grey PNG files have one channel', async () => {
    const bytes = await encodePicture(new Uint8Array(64), { width: 8, height: 8, channels: 1 }, 'png')
    expect((await sharp(bytes).metadata()).channels).toBe(1)
  })

  test('other pictures say nothing', async () => {
    const folder = temporaryFolder()
    const other = '<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    await flat(RED).png().toFile(join(folder, 'plain.png'))
    await flat(RED).withXmp(other).png().toFile(join(folder, 'other.png'))
    expect(await readMetadata(join(folder, 'plain.png'))).toBeNull()
    expect(await readMetadata(join(folder, 'other.png'))).toBeNull()
  })

  test('what cannot be read is said', async () => {
    const folder = temporaryFolder()
    await writeFile(join(folder, 'text.png'), 'text')
    await writeFile(join(folder, 'half.png'), claimingPng(9, 9).subarray(0, 20))
    await expect(readMetadata(join(folder, 'text.png'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(readMetadata(join(folder, 'half.png'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(readMetadata(join(folder, 'none.png'))).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})

describe('makeGrid', () => {
  test('two pictures of one pixel, as torchvision lays them out', () => {
    const grid = makeGrid(Uint8Array.of(7, 9), 2, 1, 1)
    const blank = [0, 0, 0, 0, 0, 0, 0, 0]
    expect(grid).toMatchObject({ width: 8, height: 5 })
    expect([...grid.pixels]).toEqual([...blank, ...blank, ...[0, 0, 7, 0, 0, 9, 0, 0], ...blank, ...blank])
  })

  test('five pictures in rows of three', () => {
    const [size, channels] = [2, 3]
    const bytes = size * size * channels
    const pixels = Uint8Array.from({ length: 5 * bytes }, (_, i) => i + 1)
    const grid = makeGrid(pixels, 5, size, channels)
    expect(grid).toMatchObject({ width: 14, height: 10 })
    const expected = new Uint8Array(14 * 10 * 3)
    for (const [i, [left, top]] of [
      [2, 2],
      [6, 2],
      [10, 2],
      [2, 6],
      [6, 6],
    ].entries()) {
      for (let y = 0; y < 2; y++) {
        for (let b = 0; b < 6; b++) expected[((top! + y) * 14 + left!) * 3 + b] = pixels[i * bytes + y * 6 + b]!
      }
    }
    expect([...grid.pixels]).toEqual([...expected])
  })

  test('one picture stays as it is; columns can be given', () => {
    const one = Uint8Array.of(1, 2, 3, 4)
    expect(makeGrid(one, 1, 2, 1)).toEqual({ pixels: one, width: 2, height: 2 })
    expect(makeGrid(new Uint8Array(4), 4, 1, 1, 4)).toMatchObject({ width: 14, height: 5 })
    expect(makeGrid(new Uint8Array(2), 2, 1, 1, 8)).toMatchObject({ width: 8, height: 5 })
  })
})
