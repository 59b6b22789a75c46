/** What decoding made of each picture of a set, in records of one length: many pictures are few objects. */
import { setImmediate } from 'node:timers/promises'
import { CHROMA_CELLS, LUMA_CELLS } from '../images/thumbnail.ts'
import { contentKey, type Measured, type Outcome } from './outcome.ts'

const THUMBNAIL = LUMA_CELLS + 2 * CHROMA_CELLS
const LEVELS = 4
const DRAWN = 'draw '
/** Looking at records blocks the thread, so it pauses after so many. */
const RECORDS_AT_ONCE = 5000

// Where in a record the parts are; numbers are little-endian.
const at = {
  /** u8: 1 for a drawing of our own. */
  drawn: 0,
  sha256: 1,
  /** u8: one of `states`. */
  state: 33,
  /** u8: bit 0 forbids training, bit 1 is wholly transparent. */
  flags: 34,
  /** u8: index into the formats. */
  format: 35,
  /** u8: how many levels `detail` and `blocks` have. */
  details: 36,
  blocks: 37,
  /** u32: width; of a broken picture the index into the reasons. */
  width: 40,
  height: 44,
  /** u32: CRC-32 of its row of pixels. */
  check: 48,
  /** f64 each: brightness, contrast, colour, colourContrast, then the levels. */
  tone: 56,
  detail: 88,
  block: 120,
  thumbnail: 152,
} as const

export const RECORD_BYTES = at.thumbnail + THUMBNAIL

const states = { unknown: 0, seen: 1, broken: 2, own: 3 } as const
const tones = ['brightness', 'contrast', 'colour', 'colourContrast'] as const

/** Texts that many records share. */
class Texts {
  readonly all: string[]
  readonly #places: Map<string, number>

  constructor(all: readonly string[]) {
    this.all = [...all]
    this.#places = new Map(all.map((text, place) => [text, place]))
  }

  placeOf(text: string): number {
    const known = this.#places.get(text)
    if (known !== undefined) return known
    this.#places.set(text, this.all.length)
    return this.all.push(text) - 1
  }
}

/** The texts of a table, as they are stored beside its records. */
export type SharedTexts = { formats: readonly string[]; reasons: readonly string[] }

export class OutcomeTable {
  readonly count: number
  /** `count` records. */
  readonly bytes: Buffer
  readonly #formats: Texts
  readonly #reasons: Texts

  constructor(bytes: Buffer, { formats, reasons }: SharedTexts) {
    this.bytes = bytes
    this.count = Math.floor(bytes.length / RECORD_BYTES)
    this.#formats = new Texts(formats)
    this.#reasons = new Texts(reasons)
  }

  /** Of pictures of which nothing but the content is known yet. */
  static of(list: readonly Measured[]): OutcomeTable {
    const table = new OutcomeTable(Buffer.alloc(list.length * RECORD_BYTES), { formats: [], reasons: [] })
    for (const [index, one] of list.entries()) {
      const key = contentKey(one)
      table.bytes[index * RECORD_BYTES + at.drawn] = Number(key.startsWith(DRAWN))
      table.bytes.set(Buffer.from(one.sha256, 'hex'), index * RECORD_BYTES + at.sha256)
    }
    return table
  }

  get texts(): SharedTexts {
    return { formats: this.#formats.all, reasons: this.#reasons.all }
  }

  /** As contentKey() has it. */
  contentAt(index: number): string {
    const start = index * RECORD_BYTES
    const sha256 = this.bytes.toString('hex', start + at.sha256, start + at.sha256 + 32)
    return this.bytes[start + at.drawn] === 1 ? `${DRAWN}${sha256}` : sha256
  }

  /** Of all, in order. */
  get contents(): string[] {
    return Array.from({ length: this.count }, (_, index) => this.contentAt(index))
  }

  #stateAt(index: number): number {
    return this.bytes[index * RECORD_BYTES + at.state]!
  }

  isKnown(index: number): boolean {
    return this.#stateAt(index) !== states.unknown
  }

  hasPixels(index: number): boolean {
    return this.#stateAt(index) === states.seen
  }

  /** How many have pixels. */
  get rows(): number {
    let rows = 0
    for (let index = 0; index < this.count; index++) if (this.hasPixels(index)) rows += 1
    return rows
  }

  checkAt(index: number): number {
    return this.bytes.readUInt32LE(index * RECORD_BYTES + at.check)
  }

  setCheck(index: number, check: number): void {
    this.bytes.writeUInt32LE(check, index * RECORD_BYTES + at.check)
  }

  set(index: number, outcome: Outcome): void {
    const start = index * RECORD_BYTES
    const { bytes } = this
    if ('reason' in outcome) {
      bytes[start + at.state] = outcome.own ? states.own : states.broken
      bytes.writeUInt32LE(this.#reasons.placeOf(outcome.reason), start + at.width)
      return
    }
    const { width, height, format, optOut, transparent, thumbnail, measures } = outcome
    bytes[start + at.state] = states.seen
    bytes[start + at.flags] = Number(optOut) + 2 * Number(transparent === true)
    bytes[start + at.format] = this.#formats.placeOf(format)
    bytes[start + at.details] = measures.detail.length
    bytes[start + at.blocks] = measures.blocks.length
    bytes.writeUInt32LE(width, start + at.width)
    bytes.writeUInt32LE(height, start + at.height)
    for (const [i, name] of tones.entries()) bytes.writeDoubleLE(measures[name], start + at.tone + 8 * i)
    for (const [i, value] of measures.detail.entries()) bytes.writeDoubleLE(value, start + at.detail + 8 * i)
    for (const [i, value] of measures.blocks.entries()) bytes.writeDoubleLE(value, start + at.block + 8 * i)
    bytes.write(thumbnail, start + at.thumbnail, THUMBNAIL, 'base64')
  }

  /** Of a picture that is known. */
  get(index: number): Outcome {
    const start = index * RECORD_BYTES
    const { bytes } = this
    const state = this.#stateAt(index)
    if (state !== states.seen) {
      const reason = this.#reasons.all[bytes.readUInt32LE(start + at.width)]!
      return state === states.own ? { reason, own: true } : { reason }
    }
    const flags = bytes[start + at.flags]!
    const numbers = (from: number, length: number) =>
      Array.from({ length: Math.min(length, LEVELS) }, (_, i) => bytes.readDoubleLE(start + from + 8 * i))
    const [brightness, contrast, colour, colourContrast] = numbers(at.tone, LEVELS) as [number, number, number, number]
    return {
      width: bytes.readUInt32LE(start + at.width),
      height: bytes.readUInt32LE(start + at.height),
      format: this.#formats.all[bytes[start + at.format]!]!,
      optOut: (flags & 1) === 1,
      ...((flags & 2) === 2 ? { transparent: true as const } : {}),
      thumbnail: bytes.toString('base64', start + at.thumbnail, start + RECORD_BYTES),
      measures: {
        brightness,
        contrast,
        colour,
        colourContrast,
        detail: numbers(at.detail, bytes[start + at.details]!),
        blocks: numbers(at.block, bytes[start + at.blocks]!),
      },
    }
  }

  /** Whether every record is one that set() could have written: it came from a file. */
  async isSound(): Promise<boolean> {
    for (let index = 0; index < this.count; index++) {
      if (!this.#isSoundAt(index)) return false
      if (index % RECORDS_AT_ONCE === RECORDS_AT_ONCE - 1) await setImmediate()
    }
    return true
  }

  #isSoundAt(index: number): boolean {
    const { bytes } = this
    const start = index * RECORD_BYTES
    const state = this.#stateAt(index)
    const width = bytes.readUInt32LE(start + at.width)
    if (state === states.broken || state === states.own) return width < this.#reasons.all.length
    if (state !== states.seen || width === 0 || bytes.readUInt32LE(start + at.height) === 0) return false
    if (bytes[start + at.format]! >= this.#formats.all.length) return false
    if (bytes[start + at.details]! > LEVELS || bytes[start + at.blocks]! > LEVELS) return false
    for (let number = start + at.tone; number < start + at.thumbnail; number += 8)
      if (!Number.isFinite(bytes.readDoubleLE(number))) return false
    return true
  }
}
