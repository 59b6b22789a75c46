/** Reads TensorBoard event files as far as a run needs its own: where each record ends, its step and its tags. */
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { maskedCrc } from './event-records.ts'

/** One record: the length of the file up to its end, its step, and the tags of its values. */
export type EventRecord = { end: number; step: number; tags: string[] }

export type EventScan = {
  /** How many records are whole. */
  records: number
  /** Where the last one of them ends. */
  end: number
  bytes: number
  /** What is wrong after the last record; undefined where the file ends with it. */
  problem: string | undefined
  /** Whether the file ends within a record, as a kill leaves it. */
  cut: boolean
}

const HEADER_BYTES = 12
const FOOTER_BYTES = 4
const WINDOW_BYTES = 1 << 20
/** A run writes as many as its model has series. */
const MAX_TAGS = 1000

/** Reads a file from its beginning in large pieces. */
class Window {
  readonly #opened: OpenFile
  #bytes: Uint8Array = new Uint8Array(0)
  #begin = 0

  constructor(opened: OpenFile) {
    this.#opened = opened
  }

  /** `length` bytes at `position`; undefined where the file ends before. */
  async at(position: number, length: number): Promise<Buffer | undefined> {
    const end = position + length
    if (end > this.#opened.bytes) return undefined
    if (position < this.#begin || end > this.#begin + this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), this.#opened.bytes - position))
      this.#begin = position
      if (!(await readFully(this.#opened, this.#bytes, position))) return undefined
    }
    return Buffer.from(this.#bytes.buffer, position - this.#begin, length)
  }
}

type Field = { field: number; value: number | Uint8Array }

/** Fields of a protobuf message. Throws RangeError where it is none. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
      if (scale > 2 ** 63) throw new RangeError('a number has too many bytes')
    }
  }
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new RangeError('a field is longer than its message')
    at += length
    return message.subarray(at - length, at)
  }
  const lengths: Readonly<Record<number, () => number>> = { 1: () => 8, 2: varint, 5: () => 4 }
  while (at < message.length) {
    const key = varint()
    const wire = key % 8
    const length = lengths[wire]
    if (!length && wire !== 0) throw new RangeError(`a field has wire type ${wire}`)
    yield { field: Math.floor(key / 8), value: length ? take(length()) : varint() }
  }
}

const STEP = 2
const SUMMARY = 5
const VALUE = 1
const TAG = 1

/** The messages in the field `wanted`, one at a time: a message of a few bytes may hold very many. */
function* messages(bytes: Buffer, wanted: number): Generator<Buffer> {
  for (const { field, value } of fieldsOf(bytes))
    if (field === wanted && typeof value !== 'number') yield Buffer.from(value.buffer, value.byteOffset, value.length)
}

function stepOf(event: Buffer): number {
  let step: Field['value'] | undefined
  for (const { field, value } of fieldsOf(event)) if (field === STEP) step ??= value
  if (typeof step === 'object') throw new RangeError('its step is no number')
  return step ?? 0
}

/** Step and tags of one `Event`. */
function readEvent(event: Buffer): Omit<EventRecord, 'end'> {
  const tags: string[] = []
  for (const summary of messages(event, SUMMARY))
    for (const value of messages(summary, VALUE))
      for (const tag of messages(value, TAG)) {
        if (tags.length === MAX_TAGS) throw new RangeError(`it has more than ${MAX_TAGS} tags`)
        tags.push(tag.toString())
      }
  return { step: stepOf(event), tags }
}

/** Reads every record up to the first one that is cut short or damaged, one in memory at a time. Throws FILE_FAILED. */
export async function scanEvents(path: string, onRecord: (record: EventRecord) => void = () => {}): Promise<EventScan> {
  const opened = await openRegular(path)
  const { bytes } = opened
  let records = 0
  let end = 0
  const ended = (problem?: string, cut = false): EventScan => ({ records, end, bytes, problem, cut })
  try {
    const window = new Window(opened)
    for (let at = 0; at < bytes; ) {
      const header = await window.at(at, HEADER_BYTES)
      if (!header) return ended(`it is cut short at byte ${at}`, true)
      if (maskedCrc(header.subarray(0, 8)) !== header.readUInt32LE(8))
        return ended(`the record at byte ${at} has a damaged length`)
      const length = Number(header.readBigUInt64LE())
      const rest = await window.at(at + HEADER_BYTES, length + FOOTER_BYTES)
      if (!rest) return ended(`it is cut short at byte ${at}`, true)
      const data = rest.subarray(0, length)
      if (maskedCrc(data) !== rest.readUInt32LE(length)) return ended(`the record at byte ${at} is damaged`)
      let event: Omit<EventRecord, 'end'>
      try {
        event = readEvent(data)
      } catch (error) {
        return ended(`the record at byte ${at} is no event: ${(error as Error).message}`)
      }
      at += HEADER_BYTES + length + FOOTER_BYTES
      records += 1
      end = at
      onRecord({ end, ...event })
    }
    return ended()
  } finally {
    await opened.file.close()
  }
}
