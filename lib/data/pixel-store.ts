/** The pixels of a data set, wherever they are kept: rows of uint8, one for each picture, read by their index. */

export interface PixelStore {
  readonly count: number
  readonly size: number
  readonly channels: number
  /** All rows, `[count, size, size, channels]`; null where they are not held in memory. */
  readonly resident: Uint8Array | null
  /** The rows of these pictures, in this order. Rejects with FILE_FAILED. */
  read(indices: ArrayLike<number>): Promise<Uint8Array>
  /** Nothing may be read after it. */
  close(): Promise<void>
}

export type RowShape = { readonly size: number; readonly channels: number }

/** Of one picture. */
export const rowBytes = ({ size, channels }: RowShape): number => size * size * channels

/** Pixels that are all in memory. */
export class MemoryPixelStore implements PixelStore {
  readonly resident: Uint8Array
  readonly count: number
  readonly size: number
  readonly channels: number

  constructor(pixels: Uint8Array, shape: RowShape) {
    this.resident = pixels
    this.count = pixels.length / rowBytes(shape)
    this.size = shape.size
    this.channels = shape.channels
  }

  async read(indices: ArrayLike<number>): Promise<Uint8Array> {
    const bytes = rowBytes(this)
    const rows = new Uint8Array(indices.length * bytes)
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i]! * bytes
      rows.set(this.resident.subarray(start, start + bytes), i * bytes)
    }
    return rows
  }

  async close(): Promise<void> {}
}
