/** Decoded pixels kept between starts: one file for each content, settings and decoder; a damaged one is no file. */
import { createHash, type Hash } from 'node:crypto'
import { join } from 'node:path'
import { Budget } from '../files/budget.ts'
import { JsonCursor } from '../files/json-cursor.ts'
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import { decoderVersion, type PixelSettings } from '../images/images.ts'
import type { Decoded } from './decode.ts'
import { contentKey, isOutcome, type Measured } from './outcome.ts'

// Layout: magic, length of the JSON of outcomes as uint32 LE, that JSON, pixels, SHA-256 of all before.
const MAGIC = Buffer.from('SHPIXEL1')
const HEAD_BYTES = MAGIC.length + 4
const HASH_BYTES = 32
/** Hashing blocks the thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 20
/** Of the JSON of one outcome: a reason, or a size and a format. */
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

/** Writes the file whole or not at all. */
export async function storePixels(path: string, folder: string, { outcomes, pixels }: Decoded): Promise<void> {
  const json = Buffer.from(JSON.stringify(outcomes))
  const head = Buffer.alloc(HEAD_BYTES)
  MAGIC.copy(head)
  head.writeUInt32LE(json.length, MAGIC.length)
  async function* chunks() {
    const hash = createHash('sha256')
    for (const part of [head, json, pixels]) {
      for (let at = 0; at < part.length; at += PIECE_BYTES) {
        const piece = part.subarray(at, at + PIECE_BYTES)
        hash.update(piece)
        yield piece
      }
    }
    yield hash.digest()
  }
  await makeFolderDurable(folder)
  await writeDurable(path, chunks())
}

/** Reads `bytes` at `position` into the hash as well. */
async function readHashed(opened: OpenFile, hash: Hash, bytes: Uint8Array, position: number) {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    if (!(await readFully(opened, piece, position + at))) return false
    hash.update(piece)
  }
  return true
}

/** What was stored for `count` items; null where there is nothing, or nothing whole. */
export async function loadPixels(
  path: string,
  settings: Pick<PixelSettings, 'size' | 'channels'>,
  count: number,
): Promise<Decoded | null> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return null
  const { file, bytes } = opened
  try {
    const hash = createHash('sha256')
    const head = Buffer.alloc(HEAD_BYTES)
    if (!(await readHashed(opened, hash, head, 0)) || !head.subarray(0, MAGIC.length).equals(MAGIC)) return null
    const jsonBytes = head.readUInt32LE(MAGIC.length)
    const pixelBytes = bytes - HEAD_BYTES - jsonBytes - HASH_BYTES
    const pictureBytes = settings.size * settings.size * settings.channels
    if (pixelBytes < 0 || pixelBytes > count * pictureBytes || jsonBytes > (count + 1) * MAX_OUTCOME_BYTES) return null
    const json = Buffer.alloc(jsonBytes)
    const pixels = new Uint8Array(pixelBytes)
    const stored = Buffer.alloc(HASH_BYTES)
    if (!(await readHashed(opened, hash, json, HEAD_BYTES))) return null
    if (!(await readHashed(opened, hash, pixels, HEAD_BYTES + jsonBytes))) return null
    if (!(await readFully(opened, stored, bytes - HASH_BYTES)) || !hash.digest().equals(stored)) return null
    const refuse = (problem: string): never => {
      throw new Error(problem)
    }
    new JsonCursor(json, refuse, new Budget(bytes + count * OWN_OUTCOME_BYTES, refuse)).weigh()
    const outcomes: unknown = JSON.parse(json.toString())
    if (!Array.isArray(outcomes) || outcomes.length !== count || !outcomes.every(isOutcome)) return null
    const decoded = outcomes.filter((outcome) => !('reason' in outcome)).length
    return pixels.length === decoded * pictureBytes ? { outcomes, pixels } : null
  } catch {
    return null
  } finally {
    await file.close()
  }
}
