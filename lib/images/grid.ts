/** Pictures side by side in one, row by row: only one row of them is held at a time. */
import { throwIfAny } from '../errors.ts'
import { encodeWithXmp, type PictureFormat, type PixelShape } from './encode.ts'
import { encodePng } from './png.ts'
import { writeXmp } from './xmp.ts'

/** Square pictures of one size, and how many of them lie side by side. */
export type GridShape = {
  readonly count: number
  readonly size: number
  readonly channels: number
  /** ceil(sqrt(count)) where it is not given. */
  readonly columns?: number
}

/** The black lines around each picture, in pixels. */
const PADDING = 2

/** The longest side that the format can say. */
const MAX_WEBP_SIDE = 16_383

/** As torchvision's make_grid lays them out: black lines between and around, a single picture left as it is. */
export function gridLayout({ count, size, columns = Math.ceil(Math.sqrt(count)) }: GridShape) {
  if (count < 1) throw new RangeError('A grid holds at least one picture')
  if (count === 1) return { across: 1, width: size, height: size }
  const across = Math.min(columns, count)
  const pitch = size + PADDING
  return { across, width: across * pitch + PADDING, height: Math.ceil(count / across) * pitch + PADDING }
}

/** Throws OPTION_INVALID for a grid that the format cannot hold. */
export function requireGridFits(shape: GridShape, format: PictureFormat): void {
  const { width, height } = gridLayout(shape)
  if (format === 'webp' && Math.max(width, height) > MAX_WEBP_SIDE)
    throwIfAny([
      {
        path: 'path',
        message: `a grid of ${shape.count} pictures is ${width} x ${height} pixels, but WebP takes at most ${MAX_WEBP_SIDE} a side; name a .png file, or sample fewer pictures`,
      },
    ])
}

/** The pixels of a square picture, each a square of `scale` x `scale` of them. */
export function enlarged(pixels: Uint8Array, { size, channels }: Pick<GridShape, 'size' | 'channels'>, scale: number) {
  if (scale === 1) return pixels
  const line = size * scale * channels
  const large = new Uint8Array(line * size * scale)
  for (let y = 0; y < size; y++) {
    const top = y * scale * line
    for (let x = 0; x < size * scale; x++) {
      const from = (y * size + Math.floor(x / scale)) * channels
      large.set(pixels.subarray(from, from + channels), top + x * channels)
    }
    for (let copy = 1; copy < scale; copy++) large.copyWithin(top + copy * line, top, top + line)
  }
  return large
}

/** Rows of the grid's pixels from `[size, size, channels]` pixels of each picture. An array lasts until the next is asked for. */
export async function* gridRows(
  pictures: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shape: GridShape,
): AsyncGenerator<Uint8Array> {
  const { count, size, channels } = shape
  const { across, width } = gridLayout(shape)
  const padding = count === 1 ? 0 : PADDING
  const lineBytes = width * channels
  const pictureLine = size * channels
  const row = new Uint8Array((size + padding) * lineBytes)
  if (padding > 0) yield new Uint8Array(padding * lineBytes)
  let placed = 0
  for await (const pixels of pictures) {
    if (pixels.length !== size * pictureLine)
      throw new RangeError(`Picture ${placed} of the grid has ${pixels.length} bytes, not ${size * pictureLine}`)
    const column = placed % across
    if (column === 0) row.fill(0)
    const left = (padding + column * (size + padding)) * channels
    for (let y = 0; y < size; y++)
      row.set(pixels.subarray(y * pictureLine, (y + 1) * pictureLine), y * lineBytes + left)
    placed += 1
    if (column === across - 1 || placed === count) yield row
  }
  if (placed !== count) throw new RangeError(`A grid of ${count} pictures got ${placed}`)
}

/**
 * The bytes of a grid's file, as they come. `settings` as for `encodePicture()`; without any its XMP says only that it
 * was made here. PNG holds one row of pictures, WebP all.
 */
export async function* encodeGrid(
  pictures: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shape: GridShape,
  format: PictureFormat,
  settings?: Readonly<Record<string, unknown>>,
): AsyncGenerator<Uint8Array> {
  requireGridFits(shape, format)
  const { width, height } = gridLayout(shape)
  const pixelShape: PixelShape = { width, height, channels: shape.channels }
  const rows = gridRows(pictures, shape)
  if (format === 'png') {
    yield* encodePng(rows, pixelShape, writeXmp(settings))
    return
  }
  const pixels = new Uint8Array(width * height * shape.channels)
  let at = 0
  for await (const some of rows) {
    pixels.set(some, at)
    at += some.length
  }
  yield encodeWithXmp(pixels, pixelShape, format, writeXmp(settings))
}
