/** The members of a tar archive, and where in it their bytes lie: nothing is unpacked, and what is damaged is refused. */
import { quoted, ShinsakuError, visible } from '../errors.ts'
import { type OpenFile, openRegular, type Part, readFully } from './read.ts'

/** `kind` "link" and "other" (such as a device) have no bytes of their own. */
export type TarMember = Part & { name: string; kind: 'file' | 'folder' | 'link' | 'other' }

const BLOCK = 512
const WINDOW_BYTES = 1 << 16
/** Of a header that says more about the next one, such as a long name. */
const MAX_EXTENDED_BYTES = 1 << 16

const kinds: Readonly<Record<string, TarMember['kind']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'folder',
  GNUDumpDir: 'folder',
  Link: 'link',
  SymbolicLink: 'link',
}

const padded = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK

const invalid = (path: string, message: string, hint: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('ARCHIVE_INVALID', `${visible(path)}: ${message}`, { hint, cause, details: { path } })

const AGAIN = 'Copy or make the archive again.'

/** Reads forward in pieces; headers lie near each other where members are small. */
class Window {
  readonly #opened: OpenFile
  #from = 0
  #bytes = Buffer.alloc(0)

  constructor(opened: OpenFile) {
    this.#opened = opened
  }

  /** The bytes at `position`; null where the file ends before. */
  async read(position: number, length: number): Promise<Buffer | null> {
    if (position + length > this.#opened.bytes) return null
    const at = position - this.#from
    if (at < 0 || at + length > this.#bytes.length) {
      this.#bytes = Buffer.alloc(Math.min(Math.max(length, WINDOW_BYTES), this.#opened.bytes - position))
      this.#from = position
      if (!(await readFully(this.#opened, this.#bytes, position))) return null
    }
    return this.#bytes.subarray(position - this.#from, position - this.#from + length)
  }
}

/** What a file that is no tar archive is likely to be. */
function otherFormat(head: Buffer): string | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'it is compressed with gzip'
  if (head.toString('latin1', 0, 4) === 'PK\x03\x04') return 'it is a zip archive'
  if (head.readUInt32BE(0) === 0x28b52ffd) return 'it is compressed with zstd'
  return undefined
}

/** Of headers that say more about the next member; those about all members after say nothing that is needed here. */
type Extended = { path?: string; size?: number }

async function* members(opened: OpenFile): AsyncGenerator<TarMember> {
  const [{ Header }, { Pax }] = [await import('tar/header'), await import('tar/pax')]
  const { path, bytes: end } = opened
  const window = new Window(opened)
  let extended: Extended = {}
  for (let position = 0; ; ) {
    const block = await window.read(position, BLOCK)
    if (!block) throw invalid(path, 'it ends before its end mark, so it is cut short', AGAIN)
    const other = position === 0 ? otherFormat(block) : undefined
    if (other) throw invalid(path, `${other}, not a tar archive`, 'Unpack it to a plain .tar first, such as by gunzip.')
    let header: InstanceType<typeof Header>
    try {
      header = new Header(block, 0, extended)
    } catch (cause) {
      throw invalid(path, `the header at byte ${position} is damaged`, AGAIN, cause)
    }
    if (header.nullBlock) return
    if (!header.cksumValid) throw invalid(path, `the header at byte ${position} does not have its checksum`, AGAIN)
    const { size: bytes = Number.NaN, type } = header
    const offset = position + BLOCK
    const next = offset + padded(bytes)
    if (!Number.isSafeInteger(next) || offset + bytes > end)
      throw invalid(path, `a member at byte ${position} claims ${bytes} bytes, more than there are`, AGAIN)
    position = next
    if (
      type === 'ExtendedHeader' ||
      type === 'OldExtendedHeader' ||
      type === 'NextFileHasLongPath' ||
      type === 'OldGnuLongPath'
    ) {
      const content = bytes <= MAX_EXTENDED_BYTES ? await window.read(offset, bytes) : null
      if (!content) throw invalid(path, `a name or its like at byte ${offset} has ${bytes} bytes`, AGAIN)
      const text = content.toString()
      if (text.includes('GNU.sparse.')) throw sparse(path)
      if (type.endsWith('ExtendedHeader')) extended = { ...extended, ...pick(Pax.parse(text)) }
      else extended = { ...extended, path: text.replace(/\0.*$/s, '') }
      continue
    }
    if (type === 'SparseFile') throw sparse(path)
    if (type === 'GlobalExtendedHeader' || type === 'NextFileHasLongLinkpath') continue
    extended = {}
    yield { name: header.path ?? '', offset, bytes, kind: kinds[type] ?? 'other' }
  }
}

const pick = ({ path, size }: Extended): Extended => ({
  ...(path === undefined ? {} : { path }),
  ...(size === undefined ? {} : { size }),
})

const sparse = (path: string) => invalid(path, 'it holds a sparse file', 'Make the archive again without --sparse.')

/**
 * All members of an archive, in its order, in memory that does not grow with it. Rejects with ARCHIVE_INVALID where it
 * is no tar archive, cut short, damaged, or has a name twice; FILE_FAILED where it cannot be read.
 */
export async function* readTar(path: string): AsyncGenerator<TarMember> {
  const opened = await openRegular(path)
  try {
    yield* members(opened)
  } finally {
    await opened.file.close()
  }
}

/** An error of an archive whose members do not go together. */
export const archiveInvalid = (path: string, name: string, what: string): ShinsakuError =>
  invalid(path, `${quoted(name)} ${what}`, 'Make the archive again.')
