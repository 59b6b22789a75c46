/** Where the edges of a picture are, whatever its colours: by it the same drawing in other colours is known. */
import { shrink } from './shrink.ts'
import type { SquareShape } from './thumbnail.ts'

/** Side at which outlines are made, in pixels; smaller pictures keep their own. */
const OUTLINE_SIDE = 32
/** A step of colour, of 255, that counts half as much as the strongest: a weak edge is an edge too. */
const HALF_STEP = 8

export const outlineBytes = ({ size }: Pick<SquareShape, 'size'>): number => 2 * Math.min(size, OUTLINE_SIDE) ** 2

/** What is transparent lies on white, as in thumbnails. */
function onWhite(pixels: Uint8Array): Uint8Array {
  const opaque = new Uint8Array((pixels.length / 4) * 3)
  for (let i = 0, to = 0; i < pixels.length; i += 4)
    for (let c = 0; c < 3; c++, to++) {
      const alpha = pixels[i + 3]!
      opaque[to] = Math.round((pixels[i + c]! * alpha + 255 * (255 - alpha)) / 255)
    }
  return opaque
}

/** The largest step of a channel between two pixels, from 0 for none towards 255 for the strongest. */
function strength(pixels: Uint8Array, a: number, b: number, channels: number): number {
  let step = 0
  for (let c = 0; c < channels; c++) step = Math.max(step, Math.abs(pixels[a + c]! - pixels[b + c]!))
  return Math.round((255 * step) / (step + HALF_STEP))
}

/**
 * Of uint8 [n, size, size, channels] the outlines, uint8 [n, side, side, 2]: how strong the edge is across each pixel,
 * from left to right and from top to bottom. That of a mirrored picture is the mirrored outline.
 */
export function outlinesOf(pixels: Uint8Array, { size, channels }: SquareShape): Uint8Array {
  const side = Math.min(size, OUTLINE_SIDE)
  const colours = channels === 4 ? 3 : channels
  const small = shrink(channels === 4 ? onWhite(pixels) : pixels, size, colours, side)
  const count = small.length / (side * side * colours)
  const outlines = new Uint8Array(count * side * side * 2)
  const last = side - 1
  for (let row = 0, to = 0; row < count * side; row++) {
    const y = row % side
    const [above, below] = [y === 0 ? row : row - 1, y === last ? row : row + 1]
    for (let x = 0; x < side; x++, to += 2) {
      const at = (line: number, column: number) => (line * side + column) * colours
      outlines[to] = strength(small, at(row, Math.max(0, x - 1)), at(row, Math.min(last, x + 1)), colours)
      outlines[to + 1] = strength(small, at(above, x), at(below, x), colours)
    }
  }
  return outlines
}

/** The outlines of one mirrored picture. */
export function mirroredOutlines(outlines: Uint8Array): Uint8Array {
  const side = Math.sqrt(outlines.length / 2)
  const other = new Uint8Array(outlines.length)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let i = 0; i < 2; i++) other[(y * side + x) * 2 + i] = outlines[(y * side + side - 1 - x) * 2 + i]!
  return other
}
