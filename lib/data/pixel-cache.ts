/**
 * Decoded pixels kept between starts, for each set of pictures, settings and decoder: rows in files of at most 1 GB, and
 * what is known of the pictures at the end of the last one. What is damaged is as if it were not there.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Budget } from '../files/budget.ts'
import { JsonCursor } from '../files/json-cursor.ts'
import { type OpenFile, openRegular, type Part, readFully } from '../files/read.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { PixelSettings } from '../images/decode.ts'
import { decoderVersion } from '../images/sharp.ts'
import { FilePixelStore, type FileShard } from './file-pixel-store.ts'
import { OutcomeTable, RECORD_BYTES } from './outcome-table.ts'
import { MemoryPixelStore, type PixelStore, type RowShape, rowBytes } from './pixel-store.ts'

// NAME.pixels: magic, the last rows, records of all pictures, a JSON text about them, its length as uint32 LE, SHA-256
// of all from the records on. Rows before the last are in NAME.000.rows, NAME.001.rows and so on.
const MAGIC = Buffer.from('SHPIXEL4')
const HASH_BYTES = 32
const TAIL_BYTES = 4 + HASH_BYTES
/** Hashing blocks the thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 20
const MOST_JSON_BYTES = 1 << 28

/** How sets are laid out. Tests make them small. */
export const layout = {
  /** Of the rows in one file. */
  shardBytes: 2 ** 30,
  /** All rows of a set of at most so many bytes are checked when it is opened; those of a larger one when they are read. */
  checkedBytes: 2 ** 28,
}

export const EXTENSION = '.pixels'
export const ROWS_EXTENSION = '.rows'

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)

/** How the names of files begin that hold pictures decoded this way: `128x3-<hash>-`. */
export async function cachePrefix(settings: PixelSettings): Promise<string> {
  const { size, channels, background, fit, crop, maxPixels, takeOwn } = settings
  const own = takeOwn ? ['own'] : []
  const key = [MAGIC.toString(), await decoderVersion(), size, channels, background, fit, crop, maxPixels, ...own]
  return `${size}x${channels}-${hashOf(key)}-`
}

/** The file for items of these contents, decoded this way. */
export async function cachePath(folder: string, contents: Iterable<string>, settings: PixelSettings): Promise<string> {
  const hash = createHash('sha256')
  for (const content of contents) hash.update(`${content}\n`)
  return join(folder, `${await cachePrefix(settings)}${hash.digest('hex').slice(0, 32)}${EXTENSION}`)
}

/** The file with the rows before the last, one of those that belong to the set at `path`. */
const rowsPath = (path: string, shard: number): string =>
  `${path.slice(0, -EXTENSION.length)}.${String(shard).padStart(3, '0')}${ROWS_EXTENSION}`

/** Pictures, and the rows of those that have pixels, in that order: all in one block, or whole rows as they come. */
type Content = { outcomes: OutcomeTable; rows: Uint8Array | AsyncIterable<Uint8Array> }

/** Whole rows of one length, a piece at a time. */
async function* inPieces(rows: Content['rows'], bytes: number): AsyncGenerator<Uint8Array> {
  if (!(rows instanceof Uint8Array)) return yield* rows
  const piece = Math.max(1, Math.floor(PIECE_BYTES / bytes)) * bytes
  for (let at = 0; at < rows.length; at += piece) yield rows.subarray(at, at + piece)
}

/** What is said of rows in one file. */
type ShardRecord = { rows: number; sha256: string }

/** Takes rows as they come, and gives them on in shards; notes the check of each. */
class RowSource {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #bytes: number
  readonly #onRow: (row: Uint8Array) => void
  #left: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>, bytes: number, onRow: (row: Uint8Array) => void) {
    this.#pieces = pieces[Symbol.asyncIterator]()
    this.#bytes = bytes
    this.#onRow = onRow
  }

  /** The next so many rows. */
  async *take(rows: number): AsyncGenerator<Uint8Array> {
    for (let bytes = rows * this.#bytes; bytes > 0; ) {
      if (this.#left.length === 0) {
        const { value, done } = await this.#pieces.next()
        if (done) throw new Error('there are fewer rows than pictures')
        this.#left = value
      }
      const piece = this.#left.subarray(0, bytes)
      this.#left = this.#left.subarray(piece.length)
      for (let at = 0; at < piece.length; at += this.#bytes) this.#onRow(piece.subarray(at, at + this.#bytes))
      bytes -= piece.length
      yield piece
    }
  }
}

/** Writes the set so that it is there whole or not at all. */
export async function storePixels(
  path: string,
  folder: string,
  shape: RowShape,
  { outcomes, rows }: Content,
): Promise<void> {
  const bytes = rowBytes(shape)
  const perShard = Math.max(1, Math.floor(layout.shardBytes / bytes))
  let picture = -1
  const source = new RowSource(inPieces(rows, bytes), bytes, (row) => {
    do picture += 1
    while (!outcomes.hasPixels(picture))
    outcomes.setCheck(picture, crc32(row))
  })
  await makeFolderDurable(folder)
  const shards: ShardRecord[] = []
  let left = outcomes.rows
  for (; left > perShard; left -= perShard) {
    const { sha256 } = await writeDurable(rowsPath(path, shards.length), source.take(perShard))
    shards.push({ rows: perShard, sha256 })
  }
  async function* last() {
    yield MAGIC
    const hashOfRows = createHash('sha256')
    for await (const piece of source.take(left)) {
      hashOfRows.update(piece)
      yield piece
    }
    shards.push({ rows: left, sha256: hashOfRows.digest('hex') })
    const json = Buffer.from(JSON.stringify({ count: outcomes.count, ...outcomes.texts, shards }))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(json.length)
    const hash = createHash('sha256')
    for (const part of [outcomes.bytes, json, length]) {
      for (let at = 0; at < part.length; at += PIECE_BYTES) {
        const piece = part.subarray(at, at + PIECE_BYTES)
        hash.update(piece)
        yield piece
      }
    }
    yield hash.digest()
  }
  await writeDurable(path, last())
}

export type Stored = { outcomes: OutcomeTable; store: PixelStore }

/** Where pixels are kept while a run trains. */
export type StoreKind = 'memory' | 'file'

/**
 * What was stored; null where there is nothing, or nothing whole. Pixels of kind "file" are left where they are, in
 * open files: those of a large set are checked when they are read, all others here.
 */
export async function openPixels(path: string, shape: RowShape, kind: StoreKind): Promise<Stored | null> {
  const opened: OpenFile[] = []
  const stored = await readStored(path, shape, kind, opened).catch(() => null)
  if (!(stored?.store instanceof FilePixelStore)) for (const { file } of opened) await file.close()
  return stored
}

/** What a set says it holds, before its rows are checked. */
export async function readOutcomes(path: string): Promise<OutcomeTable | null> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return null
  try {
    return (await readIndex(opened))?.outcomes ?? null
  } catch {
    return null
  } finally {
    await opened.file.close()
  }
}

type Index = { outcomes: OutcomeTable; shards: readonly ShardRecord[]; begin: number }

/** All from the records on; null where that is not whole. */
async function readIndex(opened: OpenFile): Promise<Index | null> {
  const [magic, tail] = [Buffer.alloc(MAGIC.length), Buffer.alloc(TAIL_BYTES)]
  const end = opened.bytes - TAIL_BYTES
  if (end < MAGIC.length || !(await readFully(opened, magic, 0)) || !magic.equals(MAGIC)) return null
  if (!(await readFully(opened, tail, end))) return null
  const jsonBytes = tail.readUInt32LE(0)
  if (jsonBytes > Math.min(MOST_JSON_BYTES, end - MAGIC.length)) return null
  const json = Buffer.alloc(jsonBytes)
  if (!(await readFully(opened, json, end - jsonBytes))) return null
  const said = parseHead(json)
  if (!said) return null
  const begin = end - jsonBytes - said.count * RECORD_BYTES
  if (begin < MAGIC.length) return null
  const records = Buffer.alloc(said.count * RECORD_BYTES)
  const hash = createHash('sha256')
  if (!(await readHashed(opened, records, begin, (piece) => hash.update(piece)))) return null
  hash.update(json).update(tail.subarray(0, 4))
  if (!hash.digest().equals(tail.subarray(4))) return null
  const outcomes = new OutcomeTable(records, said)
  const rows = said.shards.reduce((sum, shard) => sum + shard.rows, 0)
  return outcomes.rows === rows && (await outcomes.isSound()) ? { outcomes, shards: said.shards, begin } : null
}

type Head = { count: number; formats: string[]; reasons: string[]; shards: ShardRecord[] }

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const areTexts = (value: unknown) => Array.isArray(value) && value.every((text) => typeof text === 'string')
const isShard = (value: unknown): boolean =>
  isCount((value as ShardRecord | null)?.rows) && typeof (value as ShardRecord).sha256 === 'string'

/** The cache is the user's own, but another program may have written it. */
function parseHead(json: Buffer): Head | null {
  const refuse = (problem: string): never => {
    throw new Error(problem)
  }
  new JsonCursor(json, refuse, new Budget(json.length, refuse)).weigh()
  const head = JSON.parse(json.toString()) as Partial<Head> | null
  if (!head || !isCount(head.count) || !areTexts(head.formats) || !areTexts(head.reasons)) return null
  return Array.isArray(head.shards) && head.shards.length > 0 && head.shards.every(isShard) ? (head as Head) : null
}

async function readStored(path: string, shape: RowShape, kind: StoreKind, opened: OpenFile[]): Promise<Stored | null> {
  const main = await openRegular(path)
  opened.push(main)
  const index = await readIndex(main)
  if (!index) return null
  const { outcomes, begin } = index
  const bytes = rowBytes(shape)
  const shards: FileShard[] = []
  for (const [i, { rows }] of index.shards.entries()) {
    const isLast = i === index.shards.length - 1
    const file = isLast ? main : await openRegular(rowsPath(path, i))
    if (!isLast) opened.push(file)
    const [offset, end] = isLast ? [MAGIC.length, begin] : [0, file.bytes]
    if (end - offset !== rows * bytes) return null
    shards.push({ opened: file, offset, rows })
  }
  const all = outcomes.rows * bytes
  const pixels = kind === 'memory' ? new Uint8Array(all) : null
  if (pixels || all <= layout.checkedBytes) {
    let at = 0
    for (const [i, { opened: file, offset, rows }] of shards.entries()) {
      const into = pixels?.subarray(at, at + rows * bytes)
      at += rows * bytes
      if ((await hashRows(file, { offset, bytes: rows * bytes }, into)) !== index.shards[i]!.sha256) return null
    }
  }
  if (pixels) return { outcomes, store: new MemoryPixelStore(pixels, shape) }
  return { outcomes, store: new FilePixelStore(path, shards, checksOf(outcomes), shape) }
}

/** Of each row. */
function checksOf(outcomes: OutcomeTable): Uint32Array {
  const checks = new Uint32Array(outcomes.rows)
  for (let index = 0, row = 0; index < outcomes.count; index++)
    if (outcomes.hasPixels(index)) checks[row++] = outcomes.checkAt(index)
  return checks
}

/** Reads into `bytes` what is at `position`, piece by piece. False where the file ends before. */
async function readHashed(
  opened: OpenFile,
  bytes: Uint8Array,
  position: number,
  onPiece: (piece: Uint8Array) => void,
): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    if (!(await readFully(opened, piece, position + at))) return false
    onPiece(piece)
  }
  return true
}

/** SHA-256 of a part of a file, which is read into `into` where that is given; undefined where the file ends before. */
async function hashRows(opened: OpenFile, { offset, bytes }: Part, into?: Uint8Array): Promise<string | undefined> {
  const hash = createHash('sha256')
  const piece = into ? null : new Uint8Array(Math.min(bytes, PIECE_BYTES))
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes - at)
    const target = into?.subarray(at, at + length) ?? piece!.subarray(0, length)
    if (!(await readFully(opened, target, offset + at))) return undefined
    hash.update(target)
  }
  return hash.digest('hex')
}
