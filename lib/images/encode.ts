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
export const encodePicture = (
  pixels: Uint8Array,
  shape: PixelShape,
  format: PictureFormat,
  settings?: Readonly<Record<string, unknown>>,
): Promise<Uint8Array> => encodeWithXmp(pixels, shape, format, settings && writeXmp(settings))

/** The same with a packet of any kind. */
export async function encodeWithXmp(
  pixels: Uint8Array,
  shape: PixelShape,
  format: PictureFormat,
  xmp: string | undefined,
): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const raw = { ...shape, channels: shape.channels as 1 | 3 | 4 }
  const image = sharp(pixels, { raw }).toColourspace(shape.channels === 1 ? 'b-w' : 'srgb')
  if (xmp !== undefined) image.withXmp(xmp)
  return format === 'png' ? image.png().toBuffer() : image.webp({ lossless: true, exact: true }).toBuffer()
}
