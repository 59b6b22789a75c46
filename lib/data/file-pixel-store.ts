/**
 * Pixels that stay in the file of the pixel cache: no format of its own, its rows lie one after the other there.
 * What is not in memory cannot fill it: rows are read when asked for, many at once where they are near each other.
 */
import { ShinsakuError } from '../errors.ts'
import { type OpenFile, readFully } from '../files/read.ts'
import { type PixelStore, type RowShape, rowBytes } from './pixel-store.ts'
import { forEachIndex } from './pool.ts'

/** What one call of the system reads at most, unless a single row is longer. */
const PIECE_BYTES = 1 << 20
/** Reading over so many bytes that nobody asked for costs less than another call. */
const GAP_BYTES = 1 << 16

/** Rows near each other in the file: which picture each is, and its place in the answer. */
type Piece = { index: number; place: number }[]

export class FilePixelStore implements PixelStore {
  readonly resident = null
  readonly count: number
  readonly size: number
  readonly channels: number
  readonly #opened: OpenFile
  readonly #offset: number

  /** `count` rows of a file that was checked, from byte `offset` on. */
  constructor(opened: OpenFile, offset: number, count: number, { size, channels }: RowShape) {
    this.#opened = opened
    this.#offset = offset
    this.count = count
    this.size = size
    this.channels = channels
  }

  async read(indices: ArrayLike<number>): Promise<Uint8Array> {
    const rows = new Uint8Array(indices.length * rowBytes(this))
    const pieces = this.#piecesOf(indices)
    await forEachIndex(pieces.length, undefined, (i) => this.#readPiece(pieces[i]!, rows))
    return rows
  }

  #piecesOf(indices: ArrayLike<number>): Piece[] {
    const bytes = rowBytes(this)
    const wanted = Array.from(indices, (index, place) => ({ index, place })).sort((a, b) => a.index - b.index)
    const pieces: Piece[] = []
    for (const row of wanted) {
      const piece = pieces.at(-1)
      const near =
        piece &&
        (row.index - piece.at(-1)!.index - 1) * bytes <= GAP_BYTES &&
        (row.index - piece[0]!.index + 1) * bytes <= PIECE_BYTES
      if (near) piece.push(row)
      else pieces.push([row])
    }
    return pieces
  }

  async #readPiece(piece: Piece, rows: Uint8Array): Promise<void> {
    const bytes = rowBytes(this)
    const [first, last] = [piece[0]!, piece.at(-1)!]
    const rowAt = (place: number) => rows.subarray(place * bytes, (place + 1) * bytes)
    const buffer = piece.length === 1 ? rowAt(first.place) : new Uint8Array((last.index - first.index + 1) * bytes)
    await this.#readAt(buffer, first.index)
    if (piece.length === 1) return
    for (const { index, place } of piece) {
      const start = (index - first.index) * bytes
      rowAt(place).set(buffer.subarray(start, start + bytes))
    }
  }

  async #readAt(buffer: Uint8Array, index: number): Promise<void> {
    const position = this.#offset + index * rowBytes(this)
    let cause: unknown = new Error('the file ends before them')
    try {
      if (await readFully(this.#opened, buffer, position)) return
    } catch (error) {
      cause = (error as Error).cause ?? error
    }
    throw new ShinsakuError(
      'FILE_FAILED',
      `Could not read the decoded pictures from ${index} on in ${this.#opened.path}: ${(cause as Error).message}`,
      { cause, hint: 'Go on with --resume: a damaged file is made again from the pictures.' },
    )
  }

  async close(): Promise<void> {
    await this.#opened.file.close()
  }
}
