/** Pixels to picture files, without loss and with what made them as XMP. */
import { loadSharp } from './sharp.ts'
import { writeXmp } from './xmp.ts'

/** Formats that pictures are written in. */
export type PictureFormat = 'png' | 'webp'

/** Of uint8 pixels, `[height, width, channels]`, row-major. */
export type PixelShape = { readonly width: number; readonly height: number; readonly channels: number }

/**
 * Encodes `[height, width, channels]` pixels without loss. `settings` go into its XMP, which marks it as generated; a
 * picture that no model made takes none.
 */
export async function encodePicture(
  pixels: Uint8Array,
  shape: PixelShape,
  format: PictureFormat,
  settings?: Readonly<Record<string, unknown>>,
): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const raw = { ...shape, channels: shape.channels as 1 | 3 | 4 }
  const image = sharp(pixels, { raw }).toColourspace(shape.channels === 1 ? 'b-w' : 'srgb')
  if (settings !== undefined) image.withXmp(writeXmp(settings))
  return format === 'png' ? image.png().toBuffer() : image.webp({ lossless: true, exact: true }).toBuffer()
}
