/** The pictures that metrics see: three channels, as a person sees them, read in batches from wherever they are. */
import { join } from 'node:path'
import { type PixelStore, rowBytes } from '../data/pixel-store.ts'
import { forEachIndex } from '../data/pool.ts'
import { readPixels } from '../images/decode.ts'

/** Rows of uint8, `[size, size, channels]` each. */
export type PictureSet = Pick<PixelStore, 'count' | 'size' | 'channels' | 'read'>

type Colour = readonly [number, number, number]

/** "#rgb" or "#rrggbb" as three bytes. */
export function colourOf(hex: string): Colour {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join('') : hex.slice(1)
  const value = Number.parseInt(digits, 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/** Grey becomes three equal channels; what is transparent is laid over the background. */
export function toRgb(pixels: Uint8Array, channels: number, background: Colour): Uint8Array {
  if (channels === 3) return pixels
  const count = pixels.length / channels
  const rgb = new Uint8Array(count * 3)
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) {
      if (channels === 1) rgb[i * 3 + c] = pixels[i]!
      else {
        const alpha = pixels[i * 4 + 3]!
        rgb[i * 3 + c] = Math.round((pixels[i * 4 + c]! * alpha + background[c]! * (255 - alpha)) / 255)
      }
    }
  return rgb
}

/** The same pictures with three channels. */
export function asRgb(set: PictureSet, background: string): PictureSet {
  if (set.channels === 3) return set
  const colour = colourOf(background)
  return {
    count: set.count,
    size: set.size,
    channels: 3,
    read: async (indices) => toRgb(await set.read(indices), set.channels, colour),
  }
}

/** Some of the pictures, by their index. */
export const subset = (set: PictureSet, indices: ArrayLike<number>): PictureSet => ({
  count: indices.length,
  size: set.size,
  channels: set.channels,
  read: (wanted) => set.read(Int32Array.from(wanted, (index) => indices[index]!)),
})

type Files = { folder: string; names: readonly string[]; size: number; channels: 1 | 3 | 4 }

/** Picture files of one size, decoded when they are read. Rejects with IMAGE_UNREADABLE. */
export function fileSet({ folder, names, size, channels }: Files): PictureSet {
  const bytes = rowBytes({ size, channels })
  return {
    count: names.length,
    size,
    channels,
    async read(indices) {
      const rows = new Uint8Array(indices.length * bytes)
      await forEachIndex(indices.length, undefined, async (i) => {
        const path = join(folder, names[indices[i]!]!)
        rows.set(await readPixels(path, { width: size, height: size, channels }), i * bytes)
      })
      return rows
    },
  }
}

/** Indices from `begin` to before `end`. */
export const range = (begin: number, end: number): Int32Array =>
  Int32Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i)

export type Batch = { begin: number; rows: Uint8Array; shape: [number, number, number, number] }

/** All pictures, a few at a time, in their order; the next few are read while the caller works. */
export async function* batchesOf(set: PictureSet, most: number): AsyncGenerator<Batch> {
  const read = (begin: number) => {
    const rows = set.read(range(begin, Math.min(set.count, begin + most)))
    // A failure is met where it is awaited.
    rows.catch(() => {})
    return rows
  }
  let next = read(0)
  for (let begin = 0; begin < set.count; begin += most) {
    const rows = await next
    if (begin + most < set.count) next = read(begin + most)
    yield { begin, rows, shape: [rows.length / rowBytes(set), set.size, set.size, set.channels] }
  }
}
