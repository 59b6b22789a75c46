/** Small PNG files to show pictures by: no larger than asked, and never enlarged. */
import type { PixelShape } from './encode.ts'
import { loadSharp, type Sharp } from './sharp.ts'

export type Preview = { png: Uint8Array; width: number; height: number }

async function shrunk(image: Sharp, side: number): Promise<Preview> {
  const { data, info } = await image
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer({ resolveWithObject: true })
  return { png: data, width: info.width, height: info.height }
}

/** Of `[height, width, channels]` pixels. */
export async function previewOfPixels(pixels: Uint8Array, shape: PixelShape, side: number): Promise<Preview> {
  const sharp = await loadSharp()
  return shrunk(sharp(pixels, { raw: { ...shape, channels: shape.channels as 1 | 3 | 4 } }), side)
}

/** Of a picture file's bytes, which must be ours: nothing is checked. */
export async function previewOfFile(bytes: Uint8Array, side: number): Promise<Preview> {
  const sharp = await loadSharp()
  return shrunk(sharp(bytes), side)
}
