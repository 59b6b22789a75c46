/** Pictures decoded before the whole set was: kept one by one, so that an interrupted start loses almost nothing. */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { Appender } from '../files/append.ts'
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { makeFolderDurable, remove } from '../files/write.ts'
import type { PixelSettings } from '../images/decode.ts'
import { decoderVersion } from '../images/sharp.ts'
import { digest } from './digest.ts'
import { type Decoding, indicesOf, isOutcome, type Outcome } from './outcome.ts'

// A file is records to its end: bytes of JSON and of pixels as uint32 LE, that JSON, pixels, SHA-256 of all before.
const HEAD_BYTES = 8
const HASH_BYTES = 32
const MAX_JSON_BYTES = 4096
/** Records are written when there are so many bytes of them: a start that is not interrupted soon writes few times. */
const BLOCK_BYTES = 1 << 20
/** Nobody came back for it. */
const STALE_MS = 30 * 24 * 3600 * 1000

type Recalled = { content: string; outcome: Outcome; pixels: Uint8Array }

/** Where the record of a picture is kept. */
export type RecordPlace = { path: string; position: number }

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

async function* readRecords(path: string, pictureBytes: number): AsyncGenerator<Recalled & RecordPlace> {
  const opened = await openRegular(path).catch(() => null)
  if (!opened) return
  try {
    for (let position = 0; ; ) {
      // What follows a record that was cut short or damaged cannot be found.
      const record = await readRecord(opened, position, pictureBytes).catch(() => null)
      if (!record) return
      yield { ...record, path, position }
      position = record.next
    }
  } finally {
    await opened.file.close()
  }
}

/**
 * The files of one folder with pictures decoded by the same settings and decoder. Each start appends to one of its
 * own, so several at once do not meet. What cannot be kept is decoded again, unless somebody wants to read() it.
 */
export class DecodeJournal {
  readonly #folder: string
  readonly #key: string
  readonly #pictureBytes: number
  readonly #readOnly: boolean
  /** Files that hold nothing but pictures of this start's set. */
  readonly #ours: string[] = []
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** This start's own file, and its length with what is pending. */
  readonly #path: string
  #length = 0
  #file: Promise<Appender | null> | undefined
  #failure: unknown
  readonly #readers = new Map<string, Promise<OpenFile>>()

  private constructor(folder: string, key: string, pictureBytes: number, readOnly: boolean) {
    this.#folder = folder
    this.#key = key
    this.#pictureBytes = pictureBytes
    this.#readOnly = readOnly
    this.#path = join(folder, `${key}-${randomUUID()}.partial`)
  }

  /** With `readOnly` nothing is written, and nothing removed. */
  static async open(folder: string, settings: PixelSettings, readOnly = false): Promise<DecodeJournal> {
    const { size, channels, background, fit, crop, maxPixels, takeOwn } = settings
    const own = takeOwn ? ['own'] : []
    const parts = ['partial 2', await decoderVersion(), size, channels, background, fit, crop, maxPixels, ...own]
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
    return new DecodeJournal(folder, key, size * size * channels, readOnly)
  }

  /** Calls `take` for each item that was decoded before, known by its content; removes files that are long forgotten. */
  async recall(
    contents: readonly string[],
    take: (index: number, decoding: Decoding, place: RecordPlace) => void,
  ): Promise<void> {
    const places = indicesOf(contents)
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith('.partial')) continue
      const path = join(this.#folder, name)
      const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
      if (age > STALE_MS && !this.#readOnly) await remove(path).catch(() => {})
      if (!name.startsWith(this.#key)) continue
      let foreign = false
      for await (const { content, outcome, pixels, position } of readRecords(path, this.#pictureBytes)) {
        for (const index of places.get(content) ?? []) take(index, { outcome, pixels }, { path, position })
        foreign ||= !places.has(content)
        if (places.has(content)) places.set(content, [])
      }
      // With pictures of another set in it, somebody may still come back for it.
      if (!foreign) this.#ours.push(path)
    }
  }

  /** Keeps one picture. Resolves when the disk keeps up; with null where nothing is written. */
  async add(content: string, { outcome, pixels }: Decoding): Promise<RecordPlace | null> {
    if (this.#readOnly) return null
    const record = await toRecord({ content, outcome, pixels })
    const place = { path: this.#path, position: this.#length }
    this.#pending.push(record)
    this.#pendingBytes += record.length
    this.#length += record.length
    if (this.#pendingBytes >= BLOCK_BYTES) await this.#write()
    return place
  }

  async #write(): Promise<void> {
    const block = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    if (block.length === 0) return
    this.#file ??= this.#create().catch((error) => this.#giveUp(error))
    const file = await this.#file
    await file?.append(block).catch((error) => {
      // A full disk stays full; what is not kept is decoded again.
      this.#file = Promise.resolve(this.#giveUp(error))
      return file.close().catch(() => {})
    })
  }

  #giveUp(error: unknown): null {
    this.#failure ??= error
    return null
  }

  /** Throws what kept this start's pictures from being kept. */
  requireKept(): void {
    if (this.#failure) throw this.#failure
  }

  async #create(): Promise<Appender> {
    await makeFolderDurable(this.#folder)
    this.#ours.push(this.#path)
    return Appender.create(this.#path)
  }

  /** The pixels of a picture that was added or recalled. Rejects with DISK_FULL or FILE_FAILED. */
  async read({ path, position }: RecordPlace): Promise<Uint8Array> {
    await this.#write()
    this.requireKept()
    const reader = this.#readers.get(path) ?? openRegular(path)
    this.#readers.set(path, reader)
    const record = await readRecord(await reader, position, this.#pictureBytes)
    if (!record) throw fileError('read', path, new Error('it is not as it was written'))
    return record.pixels
  }

  async #close(): Promise<void> {
    await (await this.#file)?.close().catch(() => {})
    for (const reader of this.#readers.values()) await reader.then(({ file }) => file.close()).catch(() => {})
  }

  /** Ends an interrupted start: what it decoded is there for the next one. */
  async keep(): Promise<void> {
    await this.#write()
    await this.#close()
  }

  /** Ends a start that needs none of it any more. */
  async discard(): Promise<void> {
    this.#pending = []
    await this.#close()
    if (!this.#readOnly) for (const path of this.#ours) await remove(path).catch(() => {})
  }
}
