/** Writing pictures: no pixel and no word is lost. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import { encodePicture } from '../../../lib/images/encode.ts'
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

  test('a picture that no model made is not marked as if one had', async () => {
    const bytes = await encodePicture(new Uint8Array(64), { width: 8, height: 8, channels: 1 }, 'png')
    expect((await sharp(bytes).metadata()).xmp).toBeUndefined()
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
