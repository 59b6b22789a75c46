/** A picture that a caller gives, as pixels of the model's shape. */
import { throwIfAny } from '../errors.ts'
import { decodePicture, type PixelSettings, readBytes } from '../images/decode.ts'
import { absolutePath } from '../options/paths.ts'

/** A picture file, which becomes a square as those of training did, or pixels of the model's own shape. */
export type GivenPicture = string | Uint8Array | { readonly pixels: Uint8Array }

type Shape = Omit<PixelSettings, 'takeOwn'>

/** Pixels of the model's shape. Throws OPTION_INVALID, IMAGE_UNREADABLE, FILE_FAILED. */
export async function pixelsOf(
  given: GivenPicture,
  shape: Shape,
  from: string | undefined,
  path: string,
): Promise<Uint8Array> {
  const { size, channels, background, fit, crop, maxPixels } = shape
  if (typeof given === 'string') {
    const settings = { size, channels, background, fit, crop, maxPixels, takeOwn: true as const }
    const file = absolutePath(given, from)
    return (await decodePicture(await readBytes(file), file, settings)).pixels
  }
  const pixels = given instanceof Uint8Array ? given : given?.pixels
  const bytes = size * size * channels
  if (!(pixels instanceof Uint8Array) || pixels.length !== bytes)
    throwIfAny([
      {
        path,
        message: `must be the path of a picture, or ${bytes} bytes of pixels (${size} x ${size} x ${channels}), but ${pixels instanceof Uint8Array ? `has ${pixels.length}` : `is ${typeof given}`}`,
      },
    ])
  return pixels
}
