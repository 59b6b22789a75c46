/** A visible mark on pictures: a few letters, or a picture, in one corner. */
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { readBytes } from './decode.ts'
import type { PixelShape } from './encode.ts'
import { fitting, lettering } from './lettering.ts'
import { loadSharp } from './sharp.ts'

/** Most of a picture's side that a mark takes. */
const MOST = 0.4
/** Height of letters as a share of the side, and the space around them. */
const HEIGHT = 0.09
const MARGIN = 0.03
const MAX_LETTERS = 24

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right'

const gravities = {
  'top-left': 'northwest',
  'top-right': 'northeast',
  'bottom-left': 'southwest',
  'bottom-right': 'southeast',
} as const satisfies Record<Corner, string>

/** Puts the mark on `[height, width, channels]` pixels; the result is a new array. */
export type Marker = (pixels: Uint8Array, shape: PixelShape) => Promise<Uint8Array>

/** Letters on a dark plate, so that they show on anything. The least height at which they are read is 5 pixels. */
function plate(text: string, side: number): { svg: string } {
  const wanted = Math.max(5, Math.round(side * HEIGHT))
  // Narrow pictures get lower letters rather than fewer.
  const height = fitting(side * MOST, wanted) >= text.length ? wanted : Math.max(3, (side * MOST) / text.length)
  const pad = Math.max(1, Math.round(height * 0.25))
  const [width, tall] = [Math.ceil(text.length * height - height / 3 + 2 * pad), Math.ceil(height + 2 * pad)]
  const letters = lettering(text, pad, pad, height, '#ffffff', 0.18)
  const box = `<rect width="${width}" height="${tall}" rx="${pad / 2}" fill="#000000" fill-opacity="0.55"/>`
  return { svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}">${box}${letters}</svg>` }
}

/** A mark's own picture, once for each side that it is needed at. */
type Overlay = (side: number) => Promise<Buffer>

async function overlayOf(mark: string): Promise<Overlay> {
  const sharp = await loadSharp()
  if (!/\.(png|webp)$/i.test(mark)) {
    if (mark.length > MAX_LETTERS)
      throwIfAny([{ path: 'mark', message: `may have ${MAX_LETTERS} letters, but has ${mark.length}` }])
    return (side) =>
      sharp(Buffer.from(plate(mark, side).svg))
        .png()
        .toBuffer()
  }
  const bytes = await readBytes(mark)
  const fitted: Overlay = (side) => {
    const most = Math.max(1, Math.round(side * MOST))
    return sharp(bytes).resize({ width: most, height: most, fit: 'inside', withoutEnlargement: true }).png().toBuffer()
  }
  await fitted(64).catch((cause: Error) => {
    throw new ShinsakuError('IMAGE_UNREADABLE', `The mark ${mark} is not a picture: ${cause.message}`, { cause })
  })
  return fitted
}

const clear = { r: 0, g: 0, b: 0, alpha: 0 }

/** The mark with the space around it. */
async function spacedOverlay(mark: string): Promise<Overlay> {
  const sharp = await loadSharp()
  const overlay = await overlayOf(mark)
  return async (side) => {
    const margin = Math.round(side * MARGIN)
    const space = { top: margin, bottom: margin, left: margin, right: margin, background: clear }
    return sharp(await overlay(side))
      .extend(space)
      .png()
      .toBuffer()
  }
}

/** PNG of `side` pixels squared, to be laid over a picture of that size: the mark, and nothing elsewhere. Throws as `makeMarker()`. */
export async function markOverlay(mark: string, corner: Corner, side: number): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const input = await (await spacedOverlay(mark))(side)
  return sharp({ create: { width: side, height: side, channels: 4, background: clear } })
    .composite([{ input, gravity: gravities[corner] }])
    .png()
    .toBuffer()
}

/** Throws OPTION_INVALID for a long text, FILE_FAILED or IMAGE_UNREADABLE for a file that cannot be read. */
export async function makeMarker(mark: string, corner: Corner): Promise<Marker> {
  const sharp = await loadSharp()
  const overlay = await spacedOverlay(mark)
  const made = new Map<number, Promise<Buffer>>()
  return async (pixels, { width, height, channels }) => {
    const side = Math.min(width, height)
    if (!made.has(side)) made.set(side, overlay(side))
    const spaced = await made.get(side)!
    const raw = { width, height, channels: channels as 1 | 3 | 4 }
    const image = sharp(pixels, { raw }).composite([{ input: spaced, gravity: gravities[corner] }])
    const kept = channels === 1 ? image.toColourspace('b-w') : image.toColourspace('srgb')
    return new Uint8Array(await (channels === 4 ? kept : kept.removeAlpha()).raw().toBuffer())
  }
}
