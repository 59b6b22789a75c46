/** What files held at an earlier start, so that it need not be read again: a file is known by its number, size and times. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Appender } from '../files/append.ts'
import { pathToBytes } from '../files/path-bytes.ts'
import { readLines } from '../files/read.ts'
import { disk, makeFolderDurable, remove } from '../files/write.ts'
import type { Filed } from './outcome.ts'

export const SCAN_EXTENSION = '.scan'

/** Lines are written when there are so many: an interrupted start has read few files in vain. */
const LINES_AT_ONCE = 4096

/** A file that changed so short a time ago may be about to change again, within the same tick of its clock. Tests shorten it. */
export const settled = { ms: 60_000 }

/** Length and SHA-256 of a picture's bytes. */
export type Content = { bytes: number; sha256: string }

const sumOf = (text: string): string => crc32(text).toString(16).padStart(8, '0')
const line = /^(([\d-]+@\d+) (\d+) ([0-9a-f]{64})) ([0-9a-f]{8})$/

/** The files of one source. What cannot be kept is read again. */
export class KnownFiles {
  readonly #path: string
  readonly #readOnly: boolean
  readonly #known = new Map<string, Content>()
  readonly #used = new Set<string>()
  /** Of archives, which many pictures are in. */
  readonly #archives = new Map<string, Promise<string | null>>()
  #pending: string[] = []
  #file: Promise<Appender | null> | undefined
  readonly #folder: string

  private constructor(folder: string, root: string, readOnly: boolean) {
    this.#folder = folder
    this.#path = join(folder, `${createHash('sha256').update(root).digest('hex').slice(0, 32)}${SCAN_EXTENSION}`)
    this.#readOnly = readOnly
  }

  /** What is known of the files in `root`. With `readOnly` nothing is written. */
  static async open(folder: string, root: string, readOnly = false): Promise<KnownFiles> {
    const files = new KnownFiles(folder, root, readOnly)
    try {
      for await (const text of readLines(files.#path)) {
        const [, said, key, bytes, sha256, sum] = line.exec(text) ?? []
        if (said !== undefined && sum === sumOf(said)) files.#known.set(key!, { bytes: Number(bytes), sha256: sha256! })
      }
      if (!readOnly) await disk.touch(files.#path)
    } catch {
      // Nothing is known yet.
    }
    return files
  }

  /** By what the content of a picture is known; null where that is not safe. */
  async keyOf({ file, member }: Filed): Promise<string | null> {
    if (!member) return withPlace(await identityOf(file), 0)
    const known = this.#archives.get(file) ?? identityOf(file)
    this.#archives.set(file, known)
    return withPlace(await known, member.offset)
  }

  get(key: string | null): Content | undefined {
    const content = key === null ? undefined : this.#known.get(key)
    if (content) this.#used.add(key!)
    return content
  }

  /** Keeps the content of a picture, whose key was taken before it was read. */
  async add(key: string | null, { bytes, sha256 }: Content): Promise<void> {
    if (key === null || this.#readOnly) return
    this.#used.add(key)
    this.#known.set(key, { bytes, sha256 })
    this.#pending.push(lineOf(key, { bytes, sha256 }))
    if (this.#pending.length >= LINES_AT_ONCE) await this.#write()
  }

  async #write(): Promise<void> {
    if (this.#pending.length === 0) return
    const text = this.#pending.join('')
    this.#pending = []
    this.#file ??= makeFolderDurable(this.#folder)
      .then(() => Appender.lines(this.#path))
      .catch(() => null)
    await (await this.#file)?.append(text).catch(() => {})
  }

  /** Writes what is left; where most is of files that are gone, the rest alone. */
  async close(): Promise<void> {
    const stale = this.#known.size - this.#used.size
    if (!this.#readOnly && stale > this.#used.size && this.#used.size > 0) {
      await remove(this.#path).catch(() => {})
      this.#pending = [...this.#used].map((key) => lineOf(key, this.#known.get(key)!))
    }
    await this.#write()
    await (await this.#file)?.close().catch(() => {})
  }
}

const withPlace = (identity: string | null, offset: number) => (identity === null ? null : `${identity}@${offset}`)

function lineOf(key: string, { bytes, sha256 }: Content): string {
  const said = `${key} ${bytes} ${sha256}`
  return `${said} ${sumOf(said)}\n`
}

async function identityOf(file: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(pathToBytes(file), { bigint: true })
    const age = BigInt(Date.now()) * 1_000_000n - ctimeNs
    if (age < BigInt(settled.ms) * 1_000_000n) return null
    return [dev, ino, size, mtimeNs, ctimeNs].join('-')
  } catch {
    // Whoever reads the file says why it cannot be.
    return null
  }
}
