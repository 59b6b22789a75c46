/** Pictures one after the other as one animated file: WebP, GIF or PNG, with what made them as XMP. */
import { throwIfAny } from '../errors.ts'
import type { PixelShape } from './encode.ts'
import { addXmpToGif } from './gif.ts'
import { encodeApng, type Timing } from './png.ts'
import { loadSharp } from './sharp.ts'
import { writeXmp } from './xmp.ts'

/** Formats that animations are written in. */
export type AnimationFormat = 'webp' | 'gif' | 'png'

/** WebP and GIF are encoded from all pixels at once: at most so many, a few hundred MB. */
const MAX_PIXELS = 2 ** 27

/** Throws OPTION_INVALID for an animation that the format cannot hold. */
export function requireAnimationFits({ width, height }: PixelShape, count: number, format: AnimationFormat): void {
  const pixels = width * height * count
  if (format !== 'png' && pixels > MAX_PIXELS)
    throwIfAny([
      {
        path: 'path',
        message: `${count} pictures of ${width} x ${height} are more pixels than a .${format} file takes, which is encoded in memory; name a .png file or a folder, or take fewer steps or a smaller scale`,
      },
    ])
}

async function encodeTogether(
  pictures: AsyncIterable<Uint8Array>,
  { width, height, channels }: PixelShape,
  { count, milliseconds }: Timing,
  format: 'webp' | 'gif',
  xmp: string,
): Promise<Uint8Array> {
  const bytes = width * height * channels
  const pixels = new Uint8Array(bytes * count)
  let at = 0
  for await (const picture of pictures) {
    pixels.set(picture, at)
    at += bytes
  }
  const sharp = await loadSharp()
  const raw = { width, height: height * count, channels: channels as 1 | 3 | 4, pageHeight: height }
  const image = sharp(pixels, { raw }).toColourspace('srgb')
  const timing = { delay: Array<number>(count).fill(milliseconds), loop: 0 }
  if (format === 'gif') return addXmpToGif(await image.gif({ ...timing, effort: 7 }).toBuffer(), xmp)
  return image
    .withXmp(xmp)
    .webp({ ...timing, lossless: true })
    .toBuffer()
}

/**
 * The bytes of an animation that repeats for ever, as they come. `settings` go into its XMP, which marks it as
 * generated. Pictures are `[height, width, channels]` pixels; PNG holds one of them, the others all. WebP and PNG are
 * without loss, GIF has 256 colours a picture.
 */
export async function* encodeAnimation(
  pictures: AsyncIterable<Uint8Array>,
  shape: PixelShape,
  timing: Timing,
  format: AnimationFormat,
  settings: Readonly<Record<string, unknown>>,
): AsyncGenerator<Uint8Array> {
  requireAnimationFits(shape, timing.count, format)
  const xmp = writeXmp(settings)
  if (format === 'png') yield* encodeApng(pictures, shape, timing, xmp)
  else yield await encodeTogether(pictures, shape, timing, format, xmp)
}
