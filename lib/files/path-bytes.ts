/**
 * Names of files that are not UTF-8, as text: a byte that belongs to no character is the half surrogate U+DC80 to
 * U+DCFF, as in Python's "surrogateescape" (PEP 383). JSON carries it, and the bytes come back from it.
 */
import { isUtf8 } from 'node:buffer'

const ESCAPES = 0xdc00
const halves = /[\udc80-\udcff]/u

/** The bytes that a character takes by its first one; 0 for one that begins none. */
const lengthFrom = (byte: number) => (byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4)

/** The text of a name's bytes. Different bytes have different texts. */
export function pathFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = lengthFrom(bytes[at]!)
    const character = bytes.subarray(at, at + length)
    if (length > 0 && character.length === length && isUtf8(character)) {
      text += character.toString()
      at += length
    } else {
      text += String.fromCharCode(ESCAPES + bytes[at]!)
      at += 1
    }
  }
  return text
}

/** What the file system is asked for: the text itself, or its bytes where it stands for some that are not UTF-8. */
export function pathToBytes(path: string): string | Buffer {
  if (!halves.test(path)) return path
  const parts = Array.from(path, (character) => {
    const code = character.codePointAt(0)!
    return halves.test(character) ? Buffer.of(code - ESCAPES) : Buffer.from(character)
  })
  return Buffer.concat(parts)
}
