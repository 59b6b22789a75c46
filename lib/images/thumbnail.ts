/** A picture in a few hundred bytes, by which near-duplicates are known: brightness in 16 x 16 cells, colour in 4 x 4. */

/** Cells on a side of the brightness. */
const GRID = 16
/** Cells on a side of the colour; GRID is a multiple of it. */
const COLOUR_GRID = 4
export const LUMA_CELLS = GRID * GRID
export const CHROMA_CELLS = COLOUR_GRID * COLOUR_GRID

/** Brightness row by row, then blue and red differences in turn, 128 for none. */
export const THUMBNAIL_BYTES = LUMA_CELLS + 2 * CHROMA_CELLS

export type SquareShape = { readonly size: number; readonly channels: number }

type Share = { cell: number; weight: number }

/** Of each pixel along one side, the cells that it lies in and how much of a cell it fills. */
function sharesOf(size: number): Share[][] {
  const perPixel = GRID / size
  return Array.from({ length: size }, (_, pixel) => {
    const [from, to] = [pixel * perPixel, (pixel + 1) * perPixel]
    const shares: Share[] = []
    for (let cell = Math.floor(from); cell < Math.min(GRID, to); cell++) {
      const weight = Math.min(to, cell + 1) - Math.max(from, cell)
      if (weight > 1e-9) shares.push({ cell, weight })
    }
    return shares
  })
}

const shares = new Map<number, Share[][]>()

function sharesFor(size: number): Share[][] {
  const known = shares.get(size) ?? sharesOf(size)
  shares.set(size, known)
  return known
}

/** The thumbnail of `[size, size, channels]` pixels; transparent ones lie on white. */
export function thumbnailOf(pixels: Uint8Array, { size, channels }: SquareShape): Uint8Array {
  const sides = sharesFor(size)
  const cells = new Float64Array(LUMA_CELLS * 3)
  const line = new Float64Array(GRID * 3)
  for (let y = 0; y < size; y++) {
    line.fill(0)
    for (let x = 0; x < size; x++) {
      const at = (y * size + x) * channels
      const opacity = channels === 4 ? pixels[at + 3]! / 255 : 1
      const over = (value: number) => value * opacity + 255 * (1 - opacity)
      const red = over(pixels[at]!)
      const green = channels === 1 ? red : over(pixels[at + 1]!)
      const blue = channels === 1 ? red : over(pixels[at + 2]!)
      for (const { cell, weight } of sides[x]!) {
        line[cell * 3] = line[cell * 3]! + weight * red
        line[cell * 3 + 1] = line[cell * 3 + 1]! + weight * green
        line[cell * 3 + 2] = line[cell * 3 + 2]! + weight * blue
      }
    }
    for (const { cell, weight } of sides[y]!)
      for (let i = 0; i < line.length; i++)
        cells[cell * line.length + i] = cells[cell * line.length + i]! + weight * line[i]!
  }
  return inBytes(cells)
}

/** JPEG's brightness and colour differences (ITU-T T.871) of cells of red, green and blue. */
function inBytes(cells: Float64Array): Uint8Array {
  const bytes = new Uint8Array(THUMBNAIL_BYTES)
  const chroma = new Float64Array(2 * CHROMA_CELLS)
  const perCell = (COLOUR_GRID / GRID) ** 2
  for (let i = 0; i < LUMA_CELLS; i++) {
    const [red, green, blue] = [cells[3 * i]!, cells[3 * i + 1]!, cells[3 * i + 2]!]
    const luma = 0.299 * red + 0.587 * green + 0.114 * blue
    bytes[i] = Math.round(luma)
    const row = Math.floor((Math.floor(i / GRID) * COLOUR_GRID) / GRID)
    const place = 2 * (row * COLOUR_GRID + Math.floor(((i % GRID) * COLOUR_GRID) / GRID))
    chroma[place] = chroma[place]! + perCell * 0.564 * (blue - luma)
    chroma[place + 1] = chroma[place + 1]! + perCell * 0.713 * (red - luma)
  }
  for (let i = 0; i < chroma.length; i++) bytes[LUMA_CELLS + i] = Math.round(128 + chroma[i]!)
  return bytes
}

function mirrorCells(to: Uint8Array, from: Uint8Array, start: number, side: number, bytes: number): void {
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let i = 0; i < bytes; i++)
        to[start + (y * side + x) * bytes + i] = from[start + (y * side + side - 1 - x) * bytes + i]!
}

/** The thumbnail of the mirrored picture. */
export function mirrored(thumbnail: Uint8Array): Uint8Array {
  const other = new Uint8Array(THUMBNAIL_BYTES)
  mirrorCells(other, thumbnail, 0, GRID, 1)
  mirrorCells(other, thumbnail, LUMA_CELLS, COLOUR_GRID, 2)
  return other
}
