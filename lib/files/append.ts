/** Files that grow record by record: a record is in the file whole or not at all. */
import type { FileHandle } from 'node:fs/promises'
import { fileError } from '../errors.ts'
import { disk, writeAll } from './write.ts'

const NEWLINE = 0x0a
const TAIL_BYTES = 1 << 16

/** Length of the file without a last line that has no end. */
async function completeLines(file: FileHandle, length: number): Promise<number> {
  for (let end = length; end > 0; ) {
    const begin = Math.max(0, end - TAIL_BYTES)
    const { buffer, bytesRead } = await file.read(new Uint8Array(end - begin), 0, end - begin, begin)
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (newline >= 0) return begin + newline + 1
    end = begin
  }
  return 0
}

/** Takes the end off a file, for good when this resolves. */
export async function cutTo(path: string, length: number): Promise<void> {
  let file: FileHandle | undefined
  try {
    file = await disk.open(path, 'r+')
    await disk.truncate(file, length)
    await disk.sync(file)
    const done = file
    file = undefined
    await disk.close(done)
  } catch (cause) {
    if (file) await disk.close(file).catch(() => {})
    throw fileError('shorten', path, cause)
  }
}

/** Appends whole records, in the order of the calls. */
export class Appender {
  readonly #file: FileHandle
  readonly #path: string
  #length: number
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(file: FileHandle, path: string, length: number) {
    this.#file = file
    this.#path = path
    this.#length = length
  }

  /** Opens a new file. */
  static async create(path: string): Promise<Appender> {
    try {
      return new Appender(await disk.open(path, 'ax'), path, 0)
    } catch (cause) {
      throw fileError('create', path, cause)
    }
  }

  /** Opens a file of lines, new or old; a last line that was cut short is taken off. */
  static async lines(path: string): Promise<Appender> {
    let file: FileHandle | undefined
    try {
      file = await disk.open(path, 'a+')
      const { size } = await file.stat()
      const length = await completeLines(file, size)
      if (length < size) await disk.truncate(file, length)
      return new Appender(file, path, length)
    } catch (cause) {
      if (file) await disk.close(file).catch(() => {})
      throw fileError('open', path, cause)
    }
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work)
    this.#tail = result.catch(() => {})
    return result
  }

  /** Resolves once the record is with the operating system: a killed process does not lose it, a power cut may. */
  append(record: Uint8Array | string): Promise<void> {
    const bytes = typeof record === 'string' ? Buffer.from(record) : record
    return this.#queue(async () => {
      try {
        await writeAll(this.#file, bytes)
        this.#length += bytes.length
      } catch (cause) {
        // Half a record would make the ones after it unreadable.
        await disk.truncate(this.#file, this.#length).catch(() => {})
        throw fileError('append to', this.#path, cause)
      }
    })
  }

  /** Makes what was appended survive a power cut. */
  sync(): Promise<void> {
    return this.#queue(async () => {
      await disk.sync(this.#file).catch((cause) => {
        throw fileError('sync', this.#path, cause)
      })
    })
  }

  close(): Promise<void> {
    return this.#queue(async () => {
      await disk.close(this.#file).catch((cause) => {
        throw fileError('close', this.#path, cause)
      })
    })
  }
}
