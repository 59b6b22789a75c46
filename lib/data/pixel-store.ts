/** The pixels of a data set, wherever they are kept: rows of uint8, one for each picture, read by their index. */

import { ShinsakuError } from '../errors.ts'

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

/** The rows of pictures that were decoded to be described: how many they are, and no pixels. */
export class UnkeptPixelStore implements PixelStore {
  readonly resident = null
  readonly count: number
  readonly size: number
  readonly channels: number

  constructor(count: number, { size, channels }: RowShape) {
    this.count = count
    this.size = size
    this.channels = channels
  }

  read(): Promise<Uint8Array> {
    return Promise.reject(new ShinsakuError('FILE_FAILED', 'The pixels of these pictures were not kept'))
  }

  async close(): Promise<void> {}
}

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
