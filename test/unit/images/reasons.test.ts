/** Why a picture cannot be decoded: its own reason, whatever is decoded beside it. */
import { expect, test } from 'vitest'
import { decodePicture } from '../../../lib/images/decode.ts'
import { saysNoMemory } from '../../../lib/images/refusal.ts'
import { heic } from '../../helpers/odd-pictures.ts'
import { draw, noise, settings } from '../../helpers/pictures.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** Twelve kinds of damage, and whole pictures between them. */
async function mixture(): Promise<Uint8Array[]> {
  const busy = draw(160, 160, (x, y) => [noise(x), noise(y), noise(x * y)])
  const [jpeg, png, webp, tiff, gif, avif] = await Promise.all([
    busy.clone().jpeg({ quality: 100 }).toBuffer(),
    busy.clone().png().toBuffer(),
    busy.clone().webp({ lossless: true }).toBuffer(),
    busy.clone().tiff({ compression: 'lzw' }).toBuffer(),
    busy.clone().gif().toBuffer(),
    busy.clone().avif({ effort: 0 }).toBuffer(),
  ])
  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)
  const flipped = Buffer.from(png)
  flipped[png.length >> 1]! ^= 0xff
  return [
    ...[jpeg, png, webp, tiff, gif, avif].map(half),
    flipped,
    heic,
    latin1('\xff\xd8\xff'),
    latin1('\x89PNG\r\n\x1a\n'),
    latin1('GIF89a<svg/>'),
    latin1('II*\0<svg/>'),
    jpeg,
    png,
  ]
}

test('pictures that are decoded at once have the reasons they have alone', async () => {
  const files = await mixture()
  const reasonOf = (bytes: Uint8Array) =>
    decodePicture(bytes, 'x', settings()).then(
      () => 'none',
      (error) => error.details.reason as string,
    )
  const alone: string[] = []
  for (const bytes of files) alone.push(await reasonOf(bytes))
  expect(new Set(alone).size).toBeGreaterThan(8)
  expect(alone.filter((reason) => reason === 'none')).toHaveLength(2)
  for (let round = 0; round < 10; round++) expect(await Promise.all(files.map(reasonOf))).toEqual(alone)
})

test('memory that could not be had is told from a limit on what a file may ask for', () => {
  for (const text of [
    'vips_tracked: out of memory -- size == 300MB',
    'VipsJpeg: Insufficient memory (case 4)',
    'heif: Memory allocation error: Failed to allocate memory (6.0)',
    'webp: Out of memory',
  ])
    expect(saysNoMemory(text), text).toBe(true)
  for (const text of [
    'heif: Memory allocation error: Security limit exceeded: image size (6.1000)',
    'tiff: Memory allocation of 9 bytes is beyond the 3 byte limit defined in open options',
    'Requested memory size for StripArray of 4 is greater than filesize 2. Memory not allocated',
    'VipsJpeg: premature end of JPEG image',
  ])
    expect(saysNoMemory(text), text).toBe(false)
})
