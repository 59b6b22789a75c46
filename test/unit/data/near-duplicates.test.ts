/** The same picture again is found however it was saved; pictures by one hand are not taken for one. */
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { groupNearDuplicates } from '../../../lib/data/near-duplicates.ts'
import { drawIcon } from '../../../lib/icons/icons.ts'
import { decodePicture } from '../../../lib/images/decode.ts'
import { THUMBNAIL_BYTES, thumbnailOf } from '../../../lib/images/thumbnail.ts'
import { noise, settings } from '../../helpers/pictures.ts'

const COUNT = 60
const square = settings({ size: 32 })

/** Faces of one hand, as files. */
let icons: Buffer[]
beforeAll(async () => {
  const files = Array.from({ length: COUNT }, (_, i) =>
    sharp(Buffer.from(drawIcon(1, i)))
      .flatten({ background: '#fff' })
      .resize(128, 128)
      .png()
      .toBuffer(),
  )
  icons = await Promise.all(files)
})

async function groupsOf(files: readonly Buffer[]) {
  const pictures = await Promise.all(files.map((file) => decodePicture(file, 'picture', square)))
  return [...(await groupNearDuplicates(Buffer.concat(pictures.map(({ pixels }) => thumbnailOf(pixels, square)))))]
}

const alone = Array.from({ length: COUNT }, (_, i) => i)

test('sixty similar faces are sixty pictures', async () => expect(await groupsOf(icons)).toEqual(alone))

describe('a copy is with its original:', () => {
  const withNoise = async (icon: Buffer) => {
    const { data, info } = await sharp(icon).raw().toBuffer({ resolveWithObject: true })
    for (let i = 0; i < data.length; i++) data[i] = Math.min(255, Math.max(0, data[i]! + (noise(i) % 21) - 10))
    return sharp(data, { raw: info }).png().toBuffer()
  }
  const ways: Record<string, (icon: Buffer) => Promise<Buffer>> = {
    'byte for byte': async (icon) => icon,
    mirrored: (icon) => sharp(icon).flop().png().toBuffer(),
    'compressed hard': (icon) => sharp(icon).jpeg({ quality: 30 }).toBuffer(),
    'as WebP': (icon) => sharp(icon).webp({ quality: 50 }).toBuffer(),
    'half as large': (icon) => sharp(icon).resize(64, 64).png().toBuffer(),
    'larger, blurred a little': (icon) => sharp(icon).resize(200, 200).blur(1.5).png().toBuffer(),
    noised: withNoise,
    'mirrored and compressed': (icon) => sharp(icon).flop().jpeg({ quality: 50 }).toBuffer(),
  }
  test.each(Object.entries(ways))('%s', async (_, way) => {
    const copies = await Promise.all([0, 7, 31].map((i) => way(icons[i]!)))
    expect(await groupsOf([...icons, ...copies])).toEqual([...alone, 0, 7, 31])
  })
})

test('thumbnails alike in steps are one group; one that is far away is not in it', async () => {
  const thumbnails = Buffer.concat([10, 200, 20, 40, 30].map((value) => Buffer.alloc(THUMBNAIL_BYTES, value)))
  expect([...(await groupNearDuplicates(thumbnails))]).toEqual([0, 1, 2, 3, 4])
  const steps = Buffer.concat([0, 4, 90, 8, 12].map((value) => Buffer.alloc(THUMBNAIL_BYTES, value)))
  expect([...(await groupNearDuplicates(steps))]).toEqual([0, 0, 2, 0, 0])
})

test('none and one are no work', async () => {
  expect([...(await groupNearDuplicates(new Uint8Array(0)))]).toEqual([])
  expect([...(await groupNearDuplicates(new Uint8Array(THUMBNAIL_BYTES)))]).toEqual([0])
})

test('many leave the thread free now and then, and can be aborted', async () => {
  const count = 1500
  const abort = new AbortController()
  setImmediate(() => abort.abort())
  await expect(
    groupNearDuplicates(new Uint8Array(count * THUMBNAIL_BYTES), { signal: abort.signal }),
  ).rejects.toMatchObject({
    code: 'ABORT_ERR',
  })
})

test('many say how far they are', async () => {
  const count = 1500
  let done = 0
  await groupNearDuplicates(new Uint8Array(count * THUMBNAIL_BYTES), {
    onDone: (more) => {
      expect(more).toBeGreaterThan(0)
      done += more
    },
  })
  expect(done).toBeGreaterThan(count / 2)
  expect(done).toBeLessThanOrEqual(count)
})
