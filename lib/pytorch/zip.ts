/** The directory of a zip file as torch.save writes it: entries that are stored, not compressed, under one folder. */
import { type Budget, cost } from '../files/budget.ts'
import { type OpenFile, readFully } from '../files/read.ts'
import { invalid } from './failures.ts'

/** An entry; `header` is where its local header lies, `limit` where its bytes must have ended. */
export type ZipEntry = { name: string; header: number; bytes: number; crc: number; limit: number }

const END = 0x06054b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 0xffff
const LOCATOR = 0x07064b50
const LOCATOR_BYTES = 20
const END64 = 0x06064b50
const END64_BYTES = 56
const CENTRAL = 0x02014b50
const CENTRAL_BYTES = 46
const LOCAL = 0x04034b50
const LOCAL_BYTES = 30
const ZIP64_FIELD = 1
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20
const MAX_NAME_BYTES = 1024

type Directory = { begin: number; bytes: number; entries: number }

async function readAt(file: OpenFile, begin: number, length: number): Promise<Buffer> {
  if (begin < 0 || length < 0 || begin + length > file.bytes)
    throw invalid(file.path, 'its zip directory points outside of it')
  const bytes = Buffer.alloc(length)
  if (!(await readFully(file, bytes, begin))) throw invalid(file.path, 'it became shorter while it was read')
  return bytes
}

function integer64(bytes: Buffer, at: number, path: string): number {
  const value = bytes.readBigUInt64LE(at)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(path, 'its zip directory has a number beyond 2^53')
  return Number(value)
}

/** The end record is the last thing in the file but for a comment. */
async function findDirectory(file: OpenFile): Promise<Directory> {
  const tailBytes = Math.min(file.bytes, END_BYTES + MAX_COMMENT_BYTES)
  const tailBegin = file.bytes - tailBytes
  const tail = await readAt(file, tailBegin, tailBytes)
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END || at + END_BYTES + tail.readUInt16LE(at + 20) !== tailBytes) continue
    const small = {
      entries: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      begin: tail.readUInt32LE(at + 16),
    }
    if (small.entries !== 0xffff && small.bytes !== 0xffffffff && small.begin !== 0xffffffff) return small
    return findDirectory64(file, tailBegin + at)
  }
  throw invalid(file.path, 'its zip directory is missing; the file may have been cut short')
}

async function findDirectory64(file: OpenFile, end: number): Promise<Directory> {
  const locator = await readAt(file, end - LOCATOR_BYTES, LOCATOR_BYTES)
  if (locator.readUInt32LE(0) !== LOCATOR) throw invalid(file.path, 'its zip64 directory is missing')
  const record = await readAt(file, integer64(locator, 8, file.path), END64_BYTES)
  if (record.readUInt32LE(0) !== END64) throw invalid(file.path, 'its zip64 directory is missing')
  return {
    entries: integer64(record, 32, file.path),
    bytes: integer64(record, 40, file.path),
    begin: integer64(record, 48, file.path),
  }
}

/** Sizes and offset of an entry, from its zip64 field where the short ones are full. */
function placeOf(record: Buffer, extra: Buffer, path: string): { bytes: number; stored: number; header: number } {
  const fields = [record.readUInt32LE(24), record.readUInt32LE(20), record.readUInt32LE(42)]
  if (fields.includes(0xffffffff)) {
    for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
      if (extra.readUInt16LE(at) !== ZIP64_FIELD) continue
      let next = at + 4
      const end = Math.min(extra.length, next + extra.readUInt16LE(at + 2))
      for (const [i, value] of fields.entries()) {
        if (value !== 0xffffffff) continue
        if (next + 8 > end) throw invalid(path, 'a zip64 field is too short')
        fields[i] = integer64(extra, next, path)
        next += 8
      }
      break
    }
  }
  return { bytes: fields[0]!, stored: fields[1]!, header: fields[2]! }
}

/** Reads and checks the whole directory; no entry's bytes are looked at. Throws PYTORCH_INVALID. */
export async function readZipDirectory(file: OpenFile, budget: Budget): Promise<Map<string, ZipEntry>> {
  const fail = (problem: string): never => {
    throw invalid(file.path, problem)
  }
  const { begin, bytes, entries } = await findDirectory(file)
  if (bytes > MAX_DIRECTORY_BYTES) fail(`its zip directory has ${bytes} bytes`)
  const directory = await readAt(file, begin, bytes)
  const found = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < entries; i++) {
    if (at + CENTRAL_BYTES > bytes || directory.readUInt32LE(at) !== CENTRAL) fail('its zip directory ends too early')
    const record = directory.subarray(at, at + CENTRAL_BYTES)
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => record.readUInt16LE(offset)) as [
      number,
      number,
      number,
    ]
    const extraBegin = at + CENTRAL_BYTES + nameBytes
    const end = extraBegin + extraBytes + commentBytes
    if (end > bytes || nameBytes > MAX_NAME_BYTES) fail('its zip directory has an entry that is too long')
    budget.spend(cost.object + cost.entry + cost.text(nameBytes))
    const name = directory.toString('latin1', at + CENTRAL_BYTES, extraBegin)
    const place = placeOf(record, directory.subarray(extraBegin, extraBegin + extraBytes), file.path)
    if (record.readUInt16LE(10) !== 0 || place.bytes !== place.stored || (record.readUInt16LE(8) & 1) !== 0)
      fail(`its entry ${JSON.stringify(name)} is compressed or encrypted; torch.save does neither`)
    if (found.has(name)) fail(`its entry ${JSON.stringify(name)} is there twice`)
    found.set(name, { name, header: place.header, bytes: place.bytes, crc: record.readUInt32LE(16), limit: 0 })
    at = end
  }
  if (at !== bytes) fail('its zip directory is longer than its entries')
  requireApart([...found.values()], begin, fail)
  return found
}

/** Entries that share bytes would be a file that is larger inside than outside. */
function requireApart(entries: readonly ZipEntry[], end: number, fail: (problem: string) => never): void {
  const ordered = [...entries].sort((a, b) => a.header - b.header)
  for (const [i, entry] of ordered.entries()) {
    entry.limit = ordered[i + 1]?.header ?? end
    if (entry.header + LOCAL_BYTES + entry.name.length + entry.bytes > entry.limit)
      fail(`its entry ${JSON.stringify(entry.name)} reaches into what follows it`)
  }
}

/** Where the bytes of an entry begin: behind its local header, which must be about the same entry. */
export async function dataBegin(file: OpenFile, { name, header, bytes, limit }: ZipEntry): Promise<number> {
  const local = await readAt(file, header, LOCAL_BYTES + name.length)
  const same = local.readUInt32LE(0) === LOCAL && local.readUInt16LE(8) === 0 && local.readUInt16LE(26) === name.length
  const begin = header + LOCAL_BYTES + name.length + local.readUInt16LE(28)
  if (!same || local.toString('latin1', LOCAL_BYTES) !== name || begin + bytes > limit)
    throw invalid(file.path, `the header of its entry ${JSON.stringify(name)} does not fit its directory`)
  return begin
}
