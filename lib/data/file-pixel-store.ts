/**
 * Pixels that stay in the files of the pixel cache: no format of its own, its rows lie one after the other there.
 * What is not in memory cannot fill it: rows are read when asked for, many at once where they are near each other, and
 * each is checked before it is used.
 */
import { crc32 } from 'node:zlib'
import { ShinsakuError } from '../errors.ts'
import { type OpenFile, readFully } from '../files/read.ts'
import { remove } from '../files/write.ts'
import { type PixelStore, type RowShape, rowBytes } from './pixel-store.ts'
import { forEachIndex } from './pool.ts'

/** What one call of the system reads at most, unless a single row is longer. */
const PIECE_BYTES = 1 << 20
/** Reading over so many bytes that nobody asked for costs less than another call. */
const GAP_BYTES = 1 << 16

/** Rows near each other in the file: which picture each is, and its place in the answer. */
type Piece = { index: number; place: number }[]

/** `rows` rows of one file, from byte `offset` on. */
export type FileShard = { opened: OpenFile; offset: number; rows: number }

export class FilePixelStore implements PixelStore {
  readonly resident = null
  readonly count: number
  readonly size: number
  readonly channels: number
  readonly #path: string
  readonly #shards: readonly FileShard[]
  readonly #checks: Uint32Array
  /** Of all shards but the last, which may be shorter. */
  readonly #perShard: number

  /** The rows of the set at `path`; `checks` has the CRC-32 of each. All shards but the last have as many rows. */
  constructor(path: string, shards: readonly FileShard[], checks: Uint32Array, { size, channels }: RowShape) {
    this.#path = path
    this.#shards = shards
    this.#checks = checks
    this.#perShard = Math.max(1, shards[0]!.rows)
    this.count = checks.length
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
        this.#shardOf(row.index) === this.#shardOf(piece[0]!.index) &&
        (row.index - piece.at(-1)!.index - 1) * bytes <= GAP_BYTES &&
        (row.index - piece[0]!.index + 1) * bytes <= PIECE_BYTES
      if (near) piece.push(row)
      else pieces.push([row])
    }
    return pieces
  }

  #shardOf(index: number): number {
    return Math.min(Math.floor(index / this.#perShard), this.#shards.length - 1)
  }

  async #readPiece(piece: Piece, rows: Uint8Array): Promise<void> {
    const bytes = rowBytes(this)
    const [first, last] = [piece[0]!, piece.at(-1)!]
    const rowAt = (place: number) => rows.subarray(place * bytes, (place + 1) * bytes)
    const buffer = piece.length === 1 ? rowAt(first.place) : new Uint8Array((last.index - first.index + 1) * bytes)
    await this.#readAt(buffer, first.index)
    for (const { index, place } of piece) {
      const start = (index - first.index) * bytes
      const row = buffer.subarray(start, start + bytes)
      if (crc32(row) !== this.#checks[index]) throw await this.#damaged(index)
      if (piece.length > 1) rowAt(place).set(row)
    }
  }

  async #readAt(buffer: Uint8Array, index: number): Promise<void> {
    const shard = this.#shardOf(index)
    const { opened, offset } = this.#shards[shard]!
    const position = offset + (index - shard * this.#perShard) * rowBytes(this)
    let cause: unknown = new Error('the file ends before them')
    try {
      if (await readFully(opened, buffer, position)) return
    } catch (error) {
      cause = (error as Error).cause ?? error
    }
    throw this.#failed(opened.path, index, cause)
  }

  #failed(path: string, index: number, cause: unknown): ShinsakuError {
    return new ShinsakuError(
      'FILE_FAILED',
      `Could not read the decoded pictures from ${index} on in ${path}: ${(cause as Error).message}`,
      { cause, hint: 'Go on with --resume: a damaged file is made again from the pictures.' },
    )
  }

  /** Without its last file a set is none: the next start makes it again. */
  async #damaged(index: number): Promise<ShinsakuError> {
    await remove(this.#path).catch(() => {})
    const { path } = this.#shards[this.#shardOf(index)]!.opened
    return this.#failed(path, index, new Error('they are not as they were written'))
  }

  async close(): Promise<void> {
    for (const { opened } of this.#shards) await opened.file.close()
  }
}
