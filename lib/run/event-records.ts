/** The bytes of TensorBoard event files: CRC-32C, record framing, and the few protobuf fields that are used. */

/** CRC-32C (Castagnoli), reflected; zlib's crc32 is another polynomial. */
const POLYNOMIAL = 0x82f63b78
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]!
  return ~crc >>> 0
}

/** TensorFlow rotates and shifts checksums, so that the checksum of data that holds checksums stays useful. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** A record: u64 length, its masked checksum, data, its masked checksum; little-endian. */
export function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8)
  record.set(data, 12)
  record.writeUInt32LE(maskedCrc(data), 12 + data.length)
  return record
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

const tag = (field: number, wire: number): Uint8Array => varint(field * 8 + wire)

const integer = (field: number, value: number): Uint8Array => Buffer.concat([tag(field, VARINT), varint(value)])

function double(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([tag(field, FIXED64), bytes])
}

function float(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return Buffer.concat([tag(field, FIXED32), bytes])
}

function message(field: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  return Buffer.concat([tag(field, BYTES), varint(content.length), content])
}

const text = (field: number, value: string): Uint8Array => message(field, Buffer.from(value))

const RGB = 3

/** `Event.file_version`: the first record of every file. */
export const versionEvent = (seconds: number): Uint8Array =>
  Buffer.concat([double(1, seconds), text(3, 'brain.Event:2')])

/** An `Event` with one `Summary`; its values come from `scalarValue` and `imageValue`. */
export const summaryEvent = (seconds: number, step: number, values: Uint8Array[]): Uint8Array =>
  Buffer.concat([double(1, seconds), integer(2, step), message(5, ...values)])

export const scalarValue = (name: string, value: number): Uint8Array => message(1, text(1, name), float(2, value))

export const imageValue = (name: string, png: Uint8Array, width: number, height: number): Uint8Array =>
  message(1, text(1, name), message(4, integer(1, height), integer(2, width), integer(3, RGB), message(4, png)))
