/** Durable writing: every byte that lib/ keeps on disk goes through `disk`, one primitive operation at a time. */
import { createHash } from 'node:crypto'
import { fsync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { fileError } from '../errors.ts'

/** The primitive operations of writing. Tests replace members to make the n-th operation fail. */
export const disk = {
  open: (path: string, flags: string): Promise<FileHandle> => open(path, flags),
  /** May write less than it was given, as the system call may. */
  write: async (file: FileHandle, bytes: Uint8Array): Promise<number> => (await file.write(bytes)).bytesWritten,
  truncate: (file: FileHandle, length: number): Promise<void> => file.truncate(length),
  // Node's permission model refuses a sync by number; under yarn's Plug'n'Play a handle's own sync() is not implemented.
  sync: (file: FileHandle): Promise<void> => (process.permission ? file.sync() : promisify(fsync)(file.fd)),
  close: (file: FileHandle): Promise<void> => file.close(),
  mkdir: async (path: string): Promise<void> => {
    await mkdir(path)
  },
  rename: (from: string, to: string): Promise<void> => rename(from, to),
  /** Notes that a file was used, or its writer alive, now. */
  touch: (path: string): Promise<void> => utimes(path, new Date(), new Date()),
  /** Removes a file, or a folder with all that is in it. */
  remove: (path: string): Promise<void> => rm(path, { recursive: true, force: true }),
}

/** What was written, as a manifest records it. */
export type Written = { bytes: number; sha256: string }

/** Bytes of a file, whole or as they come. */
export type Chunks = Uint8Array | string | AsyncIterable<Uint8Array>

/** Hashing blocks the thread, so a piece is small enough to take about a millisecond. */
const PIECE_BYTES = 1 << 20

async function* pieces(chunks: Chunks): AsyncGenerator<Uint8Array> {
  if (typeof chunks === 'string') yield* pieces(Buffer.from(chunks))
  else if (chunks instanceof Uint8Array) {
    for (let at = 0; at < chunks.length; at += PIECE_BYTES) yield chunks.subarray(at, at + PIECE_BYTES)
  } else for await (const chunk of chunks) yield* pieces(chunk)
}

/** Writes all of `bytes`, however short each write is. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let rest = bytes
  while (rest.length > 0) {
    const written = await disk.write(file, rest)
    if (written === 0) throw new Error('the file system takes no more bytes')
    rest = rest.subarray(written)
  }
}

/** Runs `use` with an open file and closes it; a failure to close is a failure. */
async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await disk.open(path, flags)
  let result: T
  try {
    result = await use(file)
  } catch (error) {
    await disk.close(file).catch(() => {})
    throw error
  }
  await disk.close(file)
  return result
}

/** Writes a file that does not exist yet and syncs it. Its name is durable only after `syncFolder`. */
export async function writeNew(path: string, chunks: Chunks): Promise<Written> {
  try {
    return await withFile(path, 'wx', async (file) => {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const piece of pieces(chunks)) {
        hash.update(piece)
        await writeAll(file, piece)
        bytes += piece.length
      }
      await disk.sync(file)
      return { bytes, sha256: hash.digest('hex') }
    })
  } catch (cause) {
    throw fileError('write', path, cause)
  }
}

let temporaries = 0

/** Writes a file so that its name holds either the old bytes or all of the new ones, whatever happens. */
export async function writeDurable(path: string, chunks: Chunks): Promise<Written> {
  const folder = dirname(path)
  temporaries += 1
  const temporary = join(folder, `.tmp-${process.pid}-${temporaries}-${basename(path)}`)
  try {
    const written = await writeNew(temporary, chunks)
    await disk.rename(temporary, path)
    await syncFolder(folder)
    return written
  } catch (cause) {
    await disk.remove(temporary).catch(() => {})
    throw fileError('write', path, cause)
  }
}

/** The text form of a record on disk. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** As toJson() of an object, without ever holding all of the text: its lists come entry by entry. */
export async function* toJsonPieces(value: object): AsyncGenerator<Uint8Array> {
  const indented = (part: unknown, by: string) => JSON.stringify(part, null, 2).replaceAll('\n', `\n${by}`)
  let text = '{'
  let before = '\n'
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue
    text += `${before}  ${JSON.stringify(key)}: `
    before = ',\n'
    if (!Array.isArray(part) || part.length === 0) {
      text += indented(part, '  ')
      continue
    }
    for (const [index, entry] of part.entries()) {
      text += `${index === 0 ? '[' : ','}\n    ${indented(entry, '    ')}`
      if (text.length < PIECE_BYTES) continue
      yield Buffer.from(text)
      text = ''
    }
    text += '\n  ]'
  }
  yield Buffer.from(`${text}${before === '\n' ? '' : '\n'}}\n`)
}

/** File systems that keep no such promise answer EINVAL or ENOTSUP to a sync of a folder. */
const unsupported = new Set(['EINVAL', 'ENOTSUP'])

/** Makes names in a folder durable: what was created, renamed or removed there. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await withFile(path, 'r', async (folder) => {
      await disk.sync(folder).catch((error: NodeJS.ErrnoException) => {
        if (!unsupported.has(error.code ?? '')) throw error
      })
    })
  } catch (cause) {
    throw fileError('sync', path, cause)
  }
}

/** Creates a folder that must not exist yet; its parent is not synced. */
export async function makeNewFolder(path: string): Promise<void> {
  await disk.mkdir(path).catch((cause) => {
    throw fileError('create', path, cause)
  })
}

/** Creates a folder, where it is missing, in one that must be there. */
export async function makeSubfolderDurable(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await disk.mkdir(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return syncExisting(parent)
    throw fileError('create', path, cause)
  }
  await syncFolder(parent)
}

/** Creates a folder and those above it where they are missing, each durable before the next. */
export async function makeFolderDurable(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await makeSubfolderDurable(path)
  } catch (error) {
    const missing = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    if (!missing || parent === path) throw error
    await makeFolderDurable(parent)
    await makeSubfolderDurable(path)
  }
}

/** A name that is there may be the leftover of a call that failed before its sync. One in a folder that may not be opened is not ours. */
async function syncExisting(parent: string): Promise<void> {
  await syncFolder(parent).catch((error: unknown) => {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'EACCES') throw error
  })
}

/** Renames within one folder; durable after `syncFolder`. */
export async function move(from: string, to: string): Promise<void> {
  await disk.rename(from, to).catch((cause) => {
    throw fileError('rename', from, cause)
  })
}

/** Removes a file or a folder with all that is in it; nothing there is fine. */
export async function remove(path: string): Promise<void> {
  await disk.remove(path).catch((cause) => {
    throw fileError('remove', path, cause)
  })
}
