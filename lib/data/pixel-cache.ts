/**
 * Decoded pixels kept between starts: one file for each content, settings and decoder; a damaged one is no file.
 * It is read into memory, or checked and left open for FilePixelStore, whose rows are its pixels.
 */
import { createHash, type Hash } from 'node:crypto'
import { join } from 'node:path'
import { Budget } from '../files/budget.ts'
import { JsonCursor } from '../files/json-cursor.ts'
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { PixelSettings } from '../images/decode.ts'
import { decoderVersion } from '../images/sharp.ts'
import { FilePixelStore } from './file-pixel-store.ts'
import { contentKey, isOutcome, type Measured, type Outcome } from './outcome.ts'
import { MemoryPixelStore, type PixelStore, type RowShape, rowBytes } from './pixel-store.ts'

// Layout: magic, length of the JSON of outcomes as uint32 LE, that JSON, pixels, SHA-256 of all before.
const MAGIC = Buffer.from('SHPIXEL2')
const HEAD_BYTES = MAGIC.length + 4
const HASH_BYTES = 32
/** Hashing blocks the thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 20
/** Of the JSON of one outcome: a reason, or what was found out about a picture. */
const MAX_OUTCOME_BYTES = 4096
/** What one outcome may cost in memory whatever its length: whoever asks holds a far larger record of the same file. */
const OWN_OUTCOME_BYTES = 512

/** The file for these items, decoded this way. */
export async function cachePath(folder: string, list: readonly Measured[], settings: PixelSettings): Promise<string> {
  const { size, channels, background, fit, crop, maxPixels } = settings
  const contents = list.map(contentKey)
  const key = [MAGIC.toString(), await decoderVersion(), size, channels, background, fit, crop, maxPixels, contents]
  return join(folder, `${createHash('sha256').update(JSON.stringify(key)).digest('hex')}.pixels`)
}

/** Pictures by what decoding found out about each, and the pixels of those that have any, in that order. */
type Content = { outcomes: readonly Outcome[]; rows: Uint8Array | AsyncIterable<Uint8Array> }

async function* inPieces(bytes: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
  } else for await (const part of bytes) yield* inPieces(part)
}

/** Writes the file whole or not at all. */
export async function storePixels(path: string, folder: string, { outcomes, rows }: Content): Promise<void> {
  const json = Buffer.from(JSON.stringify(outcomes))
  const head = Buffer.alloc(HEAD_BYTES)
  MAGIC.copy(head)
  head.writeUInt32LE(json.length, MAGIC.length)
  async function* chunks() {
    const hash = createHash('sha256')
    for (const part of [head, json, rows]) {
      for await (const piece of inPieces(part)) {
        hash.update(piece)
        yield piece
      }
    }
    yield hash.digest()
  }
  await makeFolderDurable(folder)
  await writeDurable(path, chunks())
}

type Stored = { outcomes: Outcome[]; store: PixelStore }

/** Where pixels are kept while a run trains. */
export type StoreKind = 'memory' | 'file'

/**
 * What was stored for `count` items; null where there is nothing, or nothing whole: every byte is read and checked.
 * Pixels of kind "file" are left where they are, in an open file.
 */
export async function openPixels(
  path: string,
  shape: RowShape,
  count: number,
  kind: StoreKind,
): Promise<Stored | null> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return null
  const stored = await readStored(opened, shape, count, kind).catch(() => null)
  if (!(stored?.store instanceof FilePixelStore)) await opened.file.close()
  return stored
}

async function readStored(opened: OpenFile, shape: RowShape, count: number, kind: StoreKind): Promise<Stored | null> {
  const { bytes } = opened
  const hash = createHash('sha256')
  const head = Buffer.alloc(HEAD_BYTES)
  if (!(await readHashed(opened, hash, head, 0)) || !head.subarray(0, MAGIC.length).equals(MAGIC)) return null
  const jsonBytes = head.readUInt32LE(MAGIC.length)
  const offset = HEAD_BYTES + jsonBytes
  const pixelBytes = bytes - offset - HASH_BYTES
  if (pixelBytes < 0 || pixelBytes > count * rowBytes(shape) || jsonBytes > (count + 1) * MAX_OUTCOME_BYTES) return null
  const json = Buffer.alloc(jsonBytes)
  if (!(await readHashed(opened, hash, json, HEAD_BYTES))) return null
  const pixels = kind === 'memory' ? new Uint8Array(pixelBytes) : null
  const read = pixels ? readHashed(opened, hash, pixels, offset) : skimHashed(opened, hash, pixelBytes, offset)
  if (!(await read)) return null
  const digest = Buffer.alloc(HASH_BYTES)
  if (!(await readFully(opened, digest, bytes - HASH_BYTES)) || !hash.digest().equals(digest)) return null
  const outcomes = parseOutcomes(json, count, bytes)
  const rows = outcomes?.filter((outcome) => !('reason' in outcome)).length
  if (!outcomes || pixelBytes !== rows! * rowBytes(shape)) return null
  const store = pixels ? new MemoryPixelStore(pixels, shape) : new FilePixelStore(opened, offset, rows!, shape)
  return { outcomes, store }
}

function parseOutcomes(json: Buffer, count: number, fileBytes: number): Outcome[] | null {
  const refuse = (problem: string): never => {
    throw new Error(problem)
  }
  new JsonCursor(json, refuse, new Budget(fileBytes + count * OWN_OUTCOME_BYTES, refuse)).weigh()
  const outcomes: unknown = JSON.parse(json.toString())
  return Array.isArray(outcomes) && outcomes.length === count && outcomes.every(isOutcome) ? outcomes : null
}

/** Reads into `bytes` what is at `position`, and into the hash as well. False where the file ends before. */
async function readHashed(opened: OpenFile, hash: Hash, bytes: Uint8Array, position: number): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    if (!(await readFully(opened, piece, position + at))) return false
    hash.update(piece)
  }
  return true
}

/** Reads so many bytes into the hash alone. */
async function skimHashed(opened: OpenFile, hash: Hash, bytes: number, position: number): Promise<boolean> {
  const piece = new Uint8Array(Math.min(bytes, PIECE_BYTES))
  for (let at = 0; at < bytes; at += PIECE_BYTES)
    if (!(await readHashed(opened, hash, piece.subarray(0, bytes - at), position + at))) return false
  return true
}
