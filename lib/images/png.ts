/** Writes PNG, still or animated, while the rows come: memory holds a few of them, whatever the height. */
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { crc32, createDeflate } from 'node:zlib'
import type { PixelShape } from './encode.ts'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/** Colour types of the specification by channels: grey, RGB, RGBA. */
const colourTypes: Readonly<Record<number, number>> = { 1: 0, 3: 2, 4: 6 }

/** Filtering is done on the JavaScript thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 17

/** Compressed bytes that make an IDAT chunk; the last has what is left. */
const IDAT_BYTES = 1 << 16

function chunk(type: string, content: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = Buffer.alloc(content.length + 12)
  bytes.writeUInt32BE(content.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(content, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8)
  return bytes
}

function header({ width, height, channels }: PixelShape): Uint8Array {
  const colourType = colourTypes[channels]
  if (colourType === undefined) throw new RangeError(`PNG takes 1, 3 or 4 channels, but got ${channels}`)
  for (const side of [width, height])
    if (!(Number.isInteger(side) && side > 0 && side < 2 ** 31))
      throw new RangeError(`PNG takes sides from 1 to 2147483647, but got ${width} x ${height}`)
  const content = Buffer.alloc(13)
  content.writeUInt32BE(width, 0)
  content.writeUInt32BE(height, 4)
  content.set([8, colourType], 8)
  return chunk('IHDR', content)
}

/** An XMP packet where readers look for it: an uncompressed iTXt chunk. */
const xmpChunk = (packet: string) => chunk('iTXt', Buffer.from(`XML:com.adobe.xmp\0\0\0\0\0${packet}`))

/** The value among left, up and upper left that is nearest to left + up - upper left. */
function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

/** Of a difference modulo 256: how far it is from 0. */
const distance = (value: number) => {
  const byte = value & 255
  return byte < 128 ? byte : 256 - byte
}

/** How much is left of a row under each filter: none, sub, up, Paeth. */
function leftovers(row: Uint8Array, above: Uint8Array, step: number): [number, number, number, number] {
  let [none, sub, up, both] = [0, 0, 0, 0]
  for (let i = 0; i < row.length; i++) {
    const value = row[i]!
    const left = i < step ? 0 : row[i - step]!
    const corner = i < step ? 0 : above[i - step]!
    none += distance(value)
    sub += distance(value - left)
    up += distance(value - above[i]!)
    both += distance(value - paeth(left, above[i]!, corner))
  }
  return [none, sub, up, both]
}

/** The specification's numbers of the filters that `leftovers` judges, in its order. */
const filterTypes = [0, 1, 2, 4]

/** Writes a row under the filter that leaves least of it, behind the filter's number. */
function filterRow(row: Uint8Array, above: Uint8Array, step: number, out: Uint8Array): void {
  const left = leftovers(row, above, step)
  const type = filterTypes[left.indexOf(Math.min(...left))]!
  out[0] = type
  if (type === 0) {
    out.set(row, 1)
    return
  }
  for (let i = 0; i < row.length; i++) {
    const before = i < step ? 0 : row[i - step]!
    const corner = i < step ? 0 : above[i - step]!
    const guess = type === 1 ? before : type === 2 ? above[i]! : paeth(before, above[i]!, corner)
    out[i + 1] = row[i]! - guess
  }
}

/** Rows under their filters, some of them at a time. */
class Filter {
  readonly #step: number
  #above: Uint8Array

  constructor({ width, channels }: PixelShape) {
    this.#step = channels
    this.#above = new Uint8Array(width * channels)
  }

  *apply(rows: Uint8Array): Generator<Uint8Array> {
    const length = this.#above.length
    if (rows.length % length !== 0) throw new RangeError(`${rows.length} bytes are no whole rows of ${length}`)
    const perPiece = Math.max(1, Math.floor(PIECE_BYTES / length)) * length
    for (let start = 0; start < rows.length; start += perPiece) {
      const piece = rows.subarray(start, start + perPiece)
      const filtered = new Uint8Array((piece.length / length) * (length + 1))
      for (let at = 0, to = 0; at < piece.length; at += length, to += length + 1) {
        const row = piece.subarray(at, at + length)
        filterRow(row, at === 0 ? this.#above : piece.subarray(at - length, at), this.#step, filtered.subarray(to))
      }
      // The caller may use its memory again.
      this.#above = piece.slice(-length)
      yield filtered
    }
  }
}

/**
 * Compressed rows of one picture, in pieces of about IDAT_BYTES, outside the JavaScript thread. `rows` are whole rows of
 * pixels, any number at a time; each array is read before the next is asked for.
 */
async function* compressRows(
  rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shape: PixelShape,
): AsyncGenerator<Uint8Array> {
  const deflate = createDeflate({ chunkSize: IDAT_BYTES })
  const write = promisify((piece: Uint8Array, done: (error?: Error | null) => void) => deflate.write(piece, done))
  let compressed: Uint8Array[] = []
  let held = 0
  deflate.on('data', (bytes: Uint8Array) => {
    compressed.push(bytes)
    held += bytes.length
  })
  // Whoever waits for a write or for the end is told as well.
  deflate.on('error', () => {})
  const take = () => {
    const bytes = Buffer.concat(compressed)
    compressed = []
    held = 0
    return bytes
  }
  const filter = new Filter(shape)
  let missing = shape.width * shape.height * shape.channels
  try {
    for await (const some of rows) {
      missing -= some.length
      if (missing < 0) break
      for (const piece of filter.apply(some)) {
        await write(piece)
        if (held >= IDAT_BYTES) yield take()
      }
    }
    if (missing !== 0) throw new RangeError(`PNG of ${shape.height} rows: ${missing < 0 ? 'more' : 'fewer'} came`)
    deflate.end()
    await finished(deflate)
    yield take()
  } finally {
    deflate.destroy()
  }
}

const opening = (shape: PixelShape, xmp: string | undefined) => [
  SIGNATURE,
  header(shape),
  ...(xmp === undefined ? [] : [xmpChunk(xmp)]),
]

/** The bytes of a PNG file, as they come; `rows` as `compressRows` takes them. */
export async function* encodePng(
  rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shape: PixelShape,
  xmp?: string,
): AsyncGenerator<Uint8Array> {
  yield Buffer.concat(opening(shape, xmp))
  for await (const compressed of compressRows(rows, shape)) yield chunk('IDAT', compressed)
  yield chunk('IEND')
}

/** Pictures of an animation, and how long each is shown. */
export type Timing = { readonly count: number; readonly milliseconds: number }

/** Fields of one picture of an animation; `sequence` numbers it and the chunks of data behind it. */
function frameChunk(sequence: number, { width, height }: PixelShape, milliseconds: number): Uint8Array {
  const content = Buffer.alloc(26)
  content.writeUInt32BE(sequence, 0)
  content.writeUInt32BE(width, 4)
  content.writeUInt32BE(height, 8)
  content.writeUInt16BE(milliseconds, 20)
  content.writeUInt16BE(1000, 22)
  return chunk('fcTL', content)
}

function animationChunk(count: number): Uint8Array {
  // Repeated for ever: 0.
  const content = Buffer.alloc(8)
  content.writeUInt32BE(count, 0)
  return chunk('acTL', content)
}

/**
 * The bytes of an animated PNG (PNG specification, third edition, section 11.3.6), one picture held at a time. Programs
 * that know no animation show the first picture.
 */
export async function* encodeApng(
  pictures: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shape: PixelShape,
  { count, milliseconds }: Timing,
  xmp?: string,
): AsyncGenerator<Uint8Array> {
  yield Buffer.concat([...opening(shape, xmp), animationChunk(count)])
  let [index, sequence] = [0, 0]
  for await (const pixels of pictures) {
    yield frameChunk(sequence++, shape, milliseconds)
    for await (const compressed of compressRows([pixels], shape)) {
      if (index === 0) yield chunk('IDAT', compressed)
      else {
        const number = Buffer.alloc(4)
        number.writeUInt32BE(sequence++)
        yield chunk('fdAT', Buffer.concat([number, compressed]))
      }
    }
    index += 1
  }
  if (index !== count) throw new RangeError(`An animation of ${count} pictures got ${index}`)
  yield chunk('IEND')
}
