/** One store of pixels as two: the pictures to train on, and those held out. */
import { setImmediate } from 'node:timers/promises'
import { MemoryPixelStore, type PixelStore, rowBytes } from './pixel-store.ts'

/** Moving blocks the thread, so it pauses after so many bytes. */
const BYTES_AT_ONCE = 1 << 23

/** Some rows of another store, which stays in charge of where they are. */
class PartialPixelStore implements PixelStore {
  readonly resident = null
  readonly count: number
  readonly size: number
  readonly channels: number
  readonly #of: PixelStore
  readonly #rows: Int32Array
  readonly #closes: boolean

  /** `closes`: closing this one closes the other. */
  constructor(of: PixelStore, rows: Int32Array, closes: boolean) {
    this.count = rows.length
    this.size = of.size
    this.channels = of.channels
    this.#of = of
    this.#rows = rows
    this.#closes = closes
  }

  read(indices: ArrayLike<number>): Promise<Uint8Array> {
    return this.#of.read(Int32Array.from(indices, (index) => this.#rows[index]!))
  }

  async close(): Promise<void> {
    if (this.#closes) await this.#of.close()
  }
}

/** The rows at these ascending indices, moved together to the beginning. */
async function moveTogether(pixels: Uint8Array, rows: Int32Array, bytes: number): Promise<Uint8Array> {
  let moved = 0
  for (const [place, row] of rows.entries()) {
    if (place < row) pixels.copyWithin(place * bytes, row * bytes, (row + 1) * bytes)
    moved += bytes
    if (moved < BYTES_AT_ONCE) continue
    moved = 0
    await setImmediate()
  }
  return pixels.subarray(0, rows.length * bytes)
}

export type SplitStore = { store: PixelStore; heldOut: PixelStore }

/**
 * Splits off the rows at the ascending indices `heldOut`, without a second copy of the others; `whole` is not to be
 * used any more. Closing `store` closes `heldOut` too.
 */
export async function splitStore(whole: PixelStore, heldOut: readonly number[]): Promise<SplitStore> {
  const apart = new Set(heldOut)
  const kept = Int32Array.from({ length: whole.count - heldOut.length })
  for (let index = 0, place = 0; index < whole.count; index++) if (!apart.has(index)) kept[place++] = index
  if (!whole.resident)
    return {
      store: new PartialPixelStore(whole, kept, true),
      heldOut: new PartialPixelStore(whole, Int32Array.from(heldOut), false),
    }
  const rows = await whole.read(heldOut)
  const pixels = await moveTogether(whole.resident, kept, rowBytes(whole))
  return { store: new MemoryPixelStore(pixels, whole), heldOut: new MemoryPixelStore(rows, whole) }
}
