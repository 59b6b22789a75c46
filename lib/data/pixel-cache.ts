/**
 * Decoded pixels kept between starts: one file for each set of pictures, settings and decoder; a damaged one is no file.
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
import { isOutcome, type Outcome } from './outcome.ts'
import { MemoryPixelStore, type PixelStore, type RowShape, rowBytes } from './pixel-store.ts'

// Layout: magic, length of the JSON of entries as uint32 LE, that JSON, pixels, SHA-256 of all before.
const MAGIC = Buffer.from('SHPIXEL3')
const HEAD_BYTES = MAGIC.length + 4
const HASH_BYTES = 32
/** Hashing blocks the thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 20
/** What an entry may cost in memory whatever its length, for as many as are asked for: whoever asks holds far larger records. */
const OWN_ENTRY_BYTES = 2048

export const EXTENSION = '.pixels'

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)

/** How the names of files begin that hold pictures decoded this way: `128x3-<hash>-`. */
export async function cachePrefix(settings: PixelSettings): Promise<string> {
  const { size, channels, background, fit, crop, maxPixels, takeOwn } = settings
  const own = takeOwn ? ['own'] : []
  const key = [MAGIC.toString(), await decoderVersion(), size, channels, background, fit, crop, maxPixels, ...own]
  return `${size}x${channels}-${hashOf(key)}-`
}

/** The file for items of these contents, decoded this way. */
export const cachePath = async (
  folder: string,
  contents: readonly string[],
  settings: PixelSettings,
): Promise<string> => join(folder, `${await cachePrefix(settings)}${hashOf(contents)}${EXTENSION}`)

/** What is kept of a picture beside its pixels. */
export type Entry = { content: string; outcome: Outcome }

/** Pictures, and the pixels of those that have any, in that order. */
type Content = { entries: readonly Entry[]; rows: Uint8Array | AsyncIterable<Uint8Array> }

async function* inPieces(bytes: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
  } else for await (const part of bytes) yield* inPieces(part)
}

/** Writes the file whole or not at all. */
export async function storePixels(path: string, folder: string, { entries, rows }: Content): Promise<void> {
  const json = Buffer.from(JSON.stringify(entries))
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

export type Stored = { entries: Entry[]; store: PixelStore }

/** Where pixels are kept while a run trains. */
export type StoreKind = 'memory' | 'file'

/**
 * What was stored; null where there is nothing, or nothing whole: every byte is read and checked. Pixels of kind "file"
 * are left where they are, in an open file. About `count` pictures are expected.
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

/** What a file says it holds, before all of it is checked; about `count` pictures are expected. */
export async function readEntries(path: string, count = 0): Promise<Entry[] | null> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return null
  try {
    const json = await readJsonHashed(opened, createHash('sha256'))
    return json && parseEntries(json, count, opened.bytes)
  } catch {
    return null
  } finally {
    await opened.file.close()
  }
}

async function readJsonHashed(opened: OpenFile, hash: Hash): Promise<Buffer | null> {
  const head = Buffer.alloc(HEAD_BYTES)
  if (!(await readHashed(opened, hash, head, 0)) || !head.subarray(0, MAGIC.length).equals(MAGIC)) return null
  const jsonBytes = head.readUInt32LE(MAGIC.length)
  if (HEAD_BYTES + jsonBytes + HASH_BYTES > opened.bytes) return null
  const json = Buffer.alloc(jsonBytes)
  return (await readHashed(opened, hash, json, HEAD_BYTES)) ? json : null
}

async function readStored(opened: OpenFile, shape: RowShape, count: number, kind: StoreKind): Promise<Stored | null> {
  const { bytes } = opened
  const hash = createHash('sha256')
  const json = await readJsonHashed(opened, hash)
  if (!json) return null
  const offset = HEAD_BYTES + json.length
  const pixelBytes = bytes - offset - HASH_BYTES
  const pixels = kind === 'memory' ? new Uint8Array(pixelBytes) : null
  const read = pixels ? readHashed(opened, hash, pixels, offset) : skimHashed(opened, hash, pixelBytes, offset)
  if (!(await read)) return null
  const digest = Buffer.alloc(HASH_BYTES)
  if (!(await readFully(opened, digest, bytes - HASH_BYTES)) || !hash.digest().equals(digest)) return null
  const entries = parseEntries(json, count, bytes)
  const rows = entries?.filter(({ outcome }) => !('reason' in outcome)).length
  if (!entries || pixelBytes !== rows! * rowBytes(shape)) return null
  const store = pixels ? new MemoryPixelStore(pixels, shape) : new FilePixelStore(opened, offset, rows!, shape)
  return { entries, store }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { content, outcome } = value as Record<string, unknown>
  return typeof content === 'string' && isOutcome(outcome)
}

function parseEntries(json: Buffer, count: number, fileBytes: number): Entry[] | null {
  const refuse = (problem: string): never => {
    throw new Error(problem)
  }
  new JsonCursor(json, refuse, new Budget(fileBytes + count * OWN_ENTRY_BYTES, refuse)).weigh()
  const entries: unknown = JSON.parse(json.toString())
  return Array.isArray(entries) && entries.every(isEntry) ? entries : null
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
