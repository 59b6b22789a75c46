/** Bounded reading of files that may be damaged, huge, or not files at all. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { z } from 'zod'
import { type ErrorCode, fileError, ShinsakuError } from '../errors.ts'
import { Budget } from './budget.ts'
import { JsonCursor } from './json-cursor.ts'
import { pathToBytes } from './path-bytes.ts'
import type { Written } from './write.ts'

/** The primitive operation of reading. Tests replace it to read what is on no disk. */
export const source = {
  open: (path: string, flags: number): Promise<FileHandle> => open(pathToBytes(path), flags),
}

export type OpenFile = { path: string; file: FileHandle; bytes: number }

/** Records of a run are far smaller; the limits keep a hostile one from filling the memory. */
const MAX_TEXT_BYTES = 2 ** 24
/** Of JSON that is parsed without a look at it first: whatever it makes is little. */
const LITTLE_TEXT = 2 ** 15
const PIECE_BYTES = 1 << 20

/** Opens a regular file; anything else, such as a pipe that would block, is FILE_FAILED. */
export async function openRegular(path: string): Promise<OpenFile> {
  let file: FileHandle | undefined
  try {
    file = await source.open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const info = await file.stat()
    if (!info.isFile()) throw new Error('it is not a regular file')
    return { path, file, bytes: info.size }
  } catch (cause) {
    await file?.close()
    throw fileError('read', path, cause)
  }
}

/** Fills `bytes` from `position` on. Returns false where the file ends before. */
export async function readFully({ file, path }: OpenFile, bytes: Uint8Array, position: number): Promise<boolean> {
  try {
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled)
      if (bytesRead === 0) return false
      filled += bytesRead
    }
    return true
  } catch (cause) {
    throw fileError('read', path, cause)
  }
}

/** Bytes of a file. */
export type Part = { readonly offset: number; readonly bytes: number }

/** All bytes of a file, or of a part of it, of at most `most`. */
export async function readWhole(path: string, most: number, part?: Part): Promise<Uint8Array> {
  const opened = await openRegular(path)
  const { file } = opened
  const { offset, bytes } = part ?? { offset: 0, bytes: opened.bytes }
  try {
    if (bytes > most) throw new Error(`it has ${bytes} bytes; at most ${most} are read`)
    const content = new Uint8Array(bytes)
    if (!(await readFully(opened, content, offset))) throw new Error('it became shorter while it was read')
    return content
  } catch (cause) {
    throw fileError('read', path, cause)
  } finally {
    await file.close()
  }
}

/** Text of a UTF-8 file, or of a part of it. */
export async function readText(path: string, most: number = MAX_TEXT_BYTES, part?: Part): Promise<string> {
  const content = await readWhole(path, most, part)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (cause) {
    throw fileError('read', path, cause)
  }
}

/** The lines of a file of Latin-1 text, without their ends; one that has none is the last. Longer ones than a piece come in parts. */
export async function* readLines(path: string): AsyncGenerator<string> {
  const opened = await openRegular(path)
  try {
    let rest = ''
    for (let position = 0; position < opened.bytes; position += PIECE_BYTES) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, opened.bytes - position))
      if (!(await readFully(opened, piece, position))) break
      const lines = `${rest}${piece.toString('latin1')}`.split('\n')
      rest = lines.pop() ?? ''
      yield* lines
      if (rest.length < PIECE_BYTES) continue
      yield rest
      rest = ''
    }
    if (rest !== '') yield rest
  } finally {
    await opened.file.close()
  }
}

/** Length and SHA-256 of a file. */
export async function measure(path: string): Promise<Written> {
  const { file } = await openRegular(path)
  try {
    const hash = createHash('sha256')
    const piece = new Uint8Array(PIECE_BYTES)
    for (let bytes = 0; ; ) {
      const { bytesRead } = await file.read(piece, 0, piece.length, bytes)
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') }
      hash.update(piece.subarray(0, bytesRead))
      bytes += bytesRead
    }
  } catch (cause) {
    throw fileError('read', path, cause)
  } finally {
    await file.close()
  }
}

/** Failures that say something about this process or its rights, not about the file. */
const notTheFile = new Set(['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** Whether a failed read means that the file is missing or damaged. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof ShinsakuError) || error.code !== 'FILE_FAILED') return false
  return !notTheFile.has((error.cause as NodeJS.ErrnoException).code ?? '')
}

/** Parses JSON text that must have the form of `schema`; `code` is thrown where it has not. */
export function parseJson<T>(text: string, path: string, schema: z.ZodType<T>, code: ErrorCode): T {
  let value: unknown
  const refuse = (problem: string): never => {
    throw new ShinsakuError(code, `${path} is not JSON that a run has: ${problem}`)
  }
  // A value takes more memory than its text, so values are weighed before they are made.
  if (text.length > LITTLE_TEXT) {
    const bytes = Buffer.from(text)
    new JsonCursor(bytes, refuse, new Budget(bytes.length, refuse)).weigh()
  }
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ShinsakuError(code, `${path} is not JSON: ${(cause as Error).message}`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  // Names of unknown keys are in the message, and a hostile file has as many and as long ones as it likes.
  const problems = parsed.error.issues
    .slice(0, 10)
    .map((issue) => ({ path: issue.path.join('.').slice(0, 200), message: issue.message.slice(0, 200) }))
  const summary = problems.map((p) => (p.path ? `${p.path}: ${p.message}` : p.message)).join('; ')
  throw new ShinsakuError(code, `${path} does not have the expected form: ${summary}`, { details: { problems } })
}

/** Passes on a failed read, as `code` where the file is missing or damaged. */
export const asCode =
  (code: ErrorCode) =>
  (error: unknown): never => {
    throw isDamage(error) ? new ShinsakuError(code, (error as Error).message, { cause: error }) : error
  }

/** Reads a JSON file that must have the form of `schema`; `code` is thrown where it is missing, damaged or of another form. */
export async function readJson<T>(path: string, schema: z.ZodType<T>, code: ErrorCode = 'RUN_INVALID'): Promise<T> {
  const text = await readText(path).catch(asCode(code))
  return parseJson(text, path, schema, code)
}

/** Whatever JSON a file holds. Throws RUN_INVALID. */
export const readAnyJson = (path: string): Promise<unknown> => readJson(path, z.unknown())
