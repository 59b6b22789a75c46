/** The same picture again is found however it was saved; pictures by one hand are not taken for one. */
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { groupNearDuplicates, sameWithin } from '../../../lib/data/near-duplicates.ts'
import { drawIcon } from '../../../lib/icons/icons.ts'
import { decodePicture } from '../../../lib/images/decode.ts'
import { LUMA_CELLS, mirrored, THUMBNAIL_BYTES, thumbnailOf } from '../../../lib/images/thumbnail.ts'
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

test('groups are those of comparing every pair', async () => {
  const count = 120
  const alike = (a: Uint8Array, b: Uint8Array) => {
    const farther = (from: number, to: number, limit: number) =>
      a.subarray(from, to).some((value, i) => Math.abs(value - b[from + i]!) > limit)
    const mean = (bytes: Uint8Array) =>
      bytes.subarray(0, LUMA_CELLS).reduce((sum, value) => sum + value, 0) / LUMA_CELLS
    if (Math.abs(mean(a) - mean(b)) > sameWithin.meanLuma) return false
    return !farther(0, LUMA_CELLS, sameWithin.luma) && !farther(LUMA_CELLS, THUMBNAIL_BYTES, sameWithin.chroma)
  }
  // Around few centres, as far from them as the limits are.
  const thumbnails = Array.from({ length: count }, (_, n) =>
    Uint8Array.from({ length: THUMBNAIL_BYTES }, (_, i) => {
      const centre = noise(977 * (n % 9) + i) % 160
      const [luma, spread] = [i < LUMA_CELLS, noise(n * 131 + 7) % 40]
      return 40 + centre + (luma ? spread : spread >> 1) + (noise(n * 1009 + i) % (luma ? 6 : 3))
    }),
  )
  const leaders = thumbnails.map((_, index) => index)
  const find = (index: number): number => (leaders[index] === index ? index : find(leaders[index]!))
  for (let b = 0; b < count; b++)
    for (let a = 0; a < b; a++) {
      const [one, other] = [thumbnails[a]!, thumbnails[b]!]
      if (!alike(one, other) && !alike(mirrored(one), other)) continue
      const [first, second] = [find(a), find(b)]
      leaders[Math.max(first, second)] = Math.min(first, second)
    }
  const expected = leaders.map((_, index) => find(index))
  expect(new Set(expected).size).toBeGreaterThan(9)
  expect(new Set(expected).size).toBeLessThan(count - 9)
  expect([...(await groupNearDuplicates(Buffer.concat(thumbnails)))]).toEqual(expected)
})
