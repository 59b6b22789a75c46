/** Pictures decoded before the whole set was: kept one by one, so that an interrupted start loses almost nothing. */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Appender } from '../files/append.ts'
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { makeFolderDurable, remove } from '../files/write.ts'
import { decoderVersion, type PixelSettings } from '../images/images.ts'
import { digest } from './digest.ts'
import { contentKey, type Decoding, isOutcome, type Measured, type Outcome } from './outcome.ts'

// A file is records to its end: bytes of JSON and of pixels as uint32 LE, that JSON, pixels, SHA-256 of all before.
const HEAD_BYTES = 8
const HASH_BYTES = 32
const MAX_JSON_BYTES = 4096
/** Records are written when there are so many bytes of them: a start that is not interrupted soon writes few times. */
const BLOCK_BYTES = 1 << 20
/** Nobody came back for it. */
const STALE_MS = 30 * 24 * 3600 * 1000

type Recalled = { content: string; outcome: Outcome; pixels: Uint8Array }

async function toRecord({ content, outcome, pixels }: Recalled): Promise<Buffer> {
  const json = Buffer.from(JSON.stringify({ content, outcome }))
  const record = Buffer.alloc(HEAD_BYTES + json.length + pixels.length + HASH_BYTES)
  record.writeUInt32LE(json.length, 0)
  record.writeUInt32LE(pixels.length, 4)
  record.set(json, HEAD_BYTES)
  record.set(pixels, HEAD_BYTES + json.length)
  const end = record.length - HASH_BYTES
  record.set(await digest(record.subarray(0, end)), end)
  return record
}

/** The record at `position`, and where the next one begins; null where there is none that is whole. */
async function readRecord(opened: OpenFile, position: number, pictureBytes: number) {
  const head = Buffer.alloc(HEAD_BYTES)
  if (!(await readFully(opened, head, position))) return null
  const [jsonBytes, pixelBytes] = [head.readUInt32LE(0), head.readUInt32LE(4)]
  if (jsonBytes > MAX_JSON_BYTES || (pixelBytes !== 0 && pixelBytes !== pictureBytes)) return null
  const record = Buffer.alloc(HEAD_BYTES + jsonBytes + pixelBytes + HASH_BYTES)
  if (!(await readFully(opened, record, position))) return null
  const end = record.length - HASH_BYTES
  if (!(await digest(record.subarray(0, end))).equals(record.subarray(end))) return null
  const { content, outcome } = JSON.parse(record.toString('utf8', HEAD_BYTES, HEAD_BYTES + jsonBytes)) as Recalled
  if (typeof content !== 'string' || !isOutcome(outcome) || 'reason' in outcome !== (pixelBytes === 0)) return null
  return { content, outcome, pixels: record.subarray(HEAD_BYTES + jsonBytes, end), next: position + record.length }
}

async function* readRecords(path: string, pictureBytes: number): AsyncGenerator<Recalled> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return
  try {
    for (let position = 0; ; ) {
      // What follows a record that was cut short or damaged cannot be found.
      const record = await readRecord(opened, position, pictureBytes).catch(() => null)
      if (!record) return
      yield record
      position = record.next
    }
  } finally {
    await opened.file.close()
  }
}

/**
 * The files of one folder with pictures decoded by the same settings and decoder. Each start appends to one of its
 * own, so several at once do not meet. Nothing here fails a start: what cannot be kept is decoded again.
 */
export class DecodeJournal {
  readonly #folder: string
  readonly #key: string
  readonly #pictureBytes: number
  /** Files that hold nothing but pictures of this start's set. */
  readonly #ours: string[] = []
  #pending: Buffer[] = []
  #pendingBytes = 0
  #file: Promise<Appender | null> | undefined

  private constructor(folder: string, key: string, pictureBytes: number) {
    this.#folder = folder
    this.#key = key
    this.#pictureBytes = pictureBytes
  }

  static async open(folder: string, settings: PixelSettings): Promise<DecodeJournal> {
    const { size, channels, background, fit, crop, maxPixels } = settings
    const parts = ['partial 1', await decoderVersion(), size, channels, background, fit, crop, maxPixels]
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
    return new DecodeJournal(folder, key, size * size * channels)
  }

  /** Calls `take` for each item that was decoded before; removes files that are long forgotten. */
  async recall(list: readonly Measured[], take: (index: number, decoding: Decoding) => void): Promise<void> {
    const places = new Map<string, number[]>()
    for (const [index, item] of list.entries()) {
      const key = contentKey(item)
      const same = places.get(key)
      if (same) same.push(index)
      else places.set(key, [index])
    }
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith('.partial')) continue
      const path = join(this.#folder, name)
      const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
      if (age > STALE_MS) await remove(path).catch(() => {})
      if (!name.startsWith(this.#key)) continue
      let foreign = false
      for await (const { content, outcome, pixels } of readRecords(path, this.#pictureBytes)) {
        for (const index of places.get(content) ?? []) take(index, { outcome, pixels })
        foreign ||= !places.has(content)
        if (places.has(content)) places.set(content, [])
      }
      // With pictures of another set in it, somebody may still come back for it.
      if (!foreign) this.#ours.push(path)
    }
  }

  /** Keeps one picture. Resolves when the disk keeps up. */
  async add(item: Measured, { outcome, pixels }: Decoding): Promise<void> {
    const record = await toRecord({ content: contentKey(item), outcome, pixels })
    this.#pending.push(record)
    this.#pendingBytes += record.length
    if (this.#pendingBytes >= BLOCK_BYTES) await this.#write()
  }

  async #write(): Promise<void> {
    const block = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    if (block.length === 0) return
    this.#file ??= this.#create().catch(() => null)
    const file = await this.#file
    await file?.append(block).catch(() => {
      // A full disk stays full; what is not kept is decoded again.
      this.#file = Promise.resolve(null)
      return file.close().catch(() => {})
    })
  }

  async #create(): Promise<Appender> {
    await makeFolderDurable(this.#folder)
    const path = join(this.#folder, `${this.#key}-${randomUUID()}.partial`)
    this.#ours.push(path)
    return Appender.create(path)
  }

  /** Ends an interrupted start: what it decoded is there for the next one. */
  async keep(): Promise<void> {
    await this.#write()
    await (await this.#file)?.close().catch(() => {})
  }

  /** Ends a start that needs none of it any more. */
  async discard(): Promise<void> {
    this.#pending = []
    await (await this.#file)?.close().catch(() => {})
    for (const path of this.#ours) await remove(path).catch(() => {})
  }
}
