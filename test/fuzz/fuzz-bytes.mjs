// Bytes that the fuzzed parsers are given: JSON, the words of JSON, and files of the smallest things they can name.
import { crc32 } from 'node:zlib'

export const json = (value) => Buffer.from(JSON.stringify(value))

export const words = ['{', '}', '[', ']', ':', ',', '"', 'true', 'null', '\\u0041', '1e9', '-5']

/** `text` again and again between two others: about `DENSE_BYTES` of the smallest things that a format can name. */
export const DENSE_BYTES = 5_000_000
export const dense = (before, text, after, separator = '') => {
  const one = typeof text === 'function' ? text : () => text
  const parts = [before]
  for (let bytes = 0, i = 0; bytes < DENSE_BYTES; i++) {
    parts.push((i > 0 ? separator : '') + one(i))
    bytes += parts.at(-1).length
  }
  return Buffer.from([...parts, after].join(''), 'latin1')
}

/** A zip file of entries that are stored. */
export function storedZip(entries) {
  /** @type {[Buffer[], Buffer[]]} */
  const [files, directory] = [[], []]
  let at = 0
  for (const [name, content] of entries) {
    const local = Buffer.alloc(30 + name.length)
    local.write('PK\x03\x04', 0, 'latin1')
    local.writeUInt32LE(crc32(content), 14)
    local.writeUInt32LE(content.length, 18)
    local.writeUInt32LE(content.length, 22)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30, 'latin1')
    const central = Buffer.alloc(46 + name.length)
    central.write('PK\x01\x02', 0, 'latin1')
    local.copy(central, 10, 8, 30)
    central.writeUInt32LE(at, 42)
    central.write(name, 46, 'latin1')
    files.push(local, content)
    directory.push(central)
    at += local.length + content.length
  }
  const end = Buffer.alloc(22)
  const central = Buffer.concat(directory)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 8)
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...files, central, end])
}
