/** Tar archives that tests make, whole and hostile. */
import { writeFileSync } from 'node:fs'
import { Header, type HeaderData } from 'tar'

const BLOCK = 512

/** One member: its header's block, and its bytes padded to whole blocks. */
export function tarMember(name: string, content: Uint8Array | string, over: HeaderData = {}): Buffer {
  const bytes = Buffer.from(content)
  const header = new Header({ path: name, size: bytes.length, type: 'File', mode: 0o644, ...over })
  const block = Buffer.alloc(BLOCK)
  header.encode(block, 0)
  return Buffer.concat([block, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)])
}

/** A header that says more about the next member, such as `path`. */
export function paxMember(values: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(values).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    let length = Buffer.byteLength(rest) + 1
    while (Buffer.byteLength(`${length}${rest}`) !== length) length += 1
    return `${length}${rest}`
  })
  return tarMember('PaxHeader', lines.join(''), { type: 'ExtendedHeader' })
}

export const tarEnd = Buffer.alloc(2 * BLOCK)

/** Writes an archive of these members; resolves with its path. */
export function writeTar(path: string, members: readonly Buffer[], end = tarEnd): string {
  writeFileSync(path, Buffer.concat([...members, end]))
  return path
}
