/** How much this process decodes at one time, and the turn of a picture that must be decoded alone. */
import { usableMemory } from '../system/memory.ts'

type Waiting = { bytes: number; start: () => void }

/** Lets work in as long as its bytes fit beside those of what is under way, in the order of coming. */
export class Gate {
  readonly #capacity: number
  #taken = 0
  readonly #waiting: Waiting[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** What takes more than there is runs when nothing else does. */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(Math.max(1, bytes), this.#capacity)
    await new Promise<void>((start) => {
      this.#waiting.push({ bytes: taken, start })
      this.#admit()
    })
    try {
      return await work()
    } finally {
      this.#taken -= taken
      this.#admit()
    }
  }

  /** Nothing else is under way meanwhile. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.run(this.#capacity, work)
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#taken + this.#waiting[0]!.bytes <= this.#capacity) {
      const { bytes, start } = this.#waiting.shift()!
      this.#taken += bytes
      start()
    }
  }
}

/** Of the memory that this process may use, what pictures may take while they are decoded. */
const MEMORY_SHARE = 1 / 4
const MAX_BYTES = 2 ** 30

/** For the whole process, as the memory is, and the buffer that libvips writes its reports into. */
export const decodeGate = new Gate(Math.min(MAX_BYTES, usableMemory() * MEMORY_SHARE))

/** What the file says of itself before it is decoded. */
export type FileKind = {
  width: number
  height: number
  format: string
  /** Of a sample, as libvips names it. */
  depth: string
  /** Progressive JPEG, interlaced PNG. */
  isProgressive?: boolean | undefined
  orientation?: number | undefined
}

/** Bytes a pixel: measured at 24 megapixels, rounded up. Others are read strip by strip. */
const STRIPS = 1.5
const wholeInMemory: Readonly<Record<string, number>> = { webp: 4.5, gif: 5.5, heif: 22 }
const progressive: Readonly<Record<string, number>> = { jpeg: 6.5, png: 5 }
/** A JPEG shrinks while it loads, also one that is turned then. */
const BASELINE_JPEG = 0.25
const TURNED = 4

/** The memory that decoding a picture takes, about. */
export function decodingBytes(file: FileKind): number {
  const { width, height, format, depth, isProgressive, orientation = 1 } = file
  const whole = isProgressive ? progressive[format] : wholeInMemory[format]
  const read = whole ?? (format === 'jpeg' ? BASELINE_JPEG : STRIPS)
  const turned = orientation > 1 && format !== 'jpeg' ? TURNED : 0
  return width * height * (read + turned) * (depth === 'ushort' ? 2 : 1)
}
