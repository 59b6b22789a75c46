/** All pictures of a call in memory: raw pixels, files, a grid. */
import { ShinsakuError, throwIfAny } from '../errors.ts'
import type { PictureFormat } from '../images/encode.ts'
import { type GridOptions, gridBytes, saveGrid } from './grid.ts'
import { Picture, type PictureKind, type PictureSource, type Provenance } from './picture.ts'
import { type SaveOptions, saveEach } from './save.ts'

/** `count` pictures of `size` x `size` pixels, in the order of their seeds. Iterate them for one after the other. */
export class Pictures implements PictureKind, Iterable<Picture> {
  /** uint8, `[count, size, size, channels]`, row-major. */
  readonly pixels: Uint8Array
  readonly size: number
  readonly channels: number
  readonly seeds: readonly number[]
  readonly provenance: Provenance

  constructor(pixels: Uint8Array, size: number, channels: number, seeds: readonly number[], provenance: Provenance) {
    this.pixels = pixels
    this.size = size
    this.channels = channels
    this.seeds = seeds
    this.provenance = provenance
  }

  get count(): number {
    return this.seeds.length
  }

  /** Indices of pictures that are a single colour: a model that samples them has learned nothing yet, or has collapsed. */
  get flat(): number[] {
    return [...this].flatMap(({ flat }, index) => (flat ? [index] : []))
  }

  *[Symbol.iterator](): Iterator<Picture> {
    for (const [index, seed] of this.seeds.entries()) yield new Picture(seed, this.picture(index), this)
  }

  /** Pixels of one picture, `[size, size, channels]`; a view, not a copy. */
  picture(index: number): Uint8Array {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throwIfAny([{ path: 'index', message: `must be an integer from 0 to ${this.count - 1}, but is ${index}` }])
    }
    const bytes = this.size * this.size * this.channels
    return this.pixels.subarray(index * bytes, (index + 1) * bytes)
  }

  /** One picture as a PNG or WebP file's bytes, with seed and settings in its metadata. */
  async encode(index: number, format?: PictureFormat): Promise<Uint8Array> {
    return new Picture(this.seeds[index]!, this.picture(index), this).encode(format)
  }

  /** Writes one file for each picture into `folder`; resolves to their paths. Equal seeds give one file. */
  save(folder: string, options: SaveOptions = {}): Promise<string[]> {
    return saveEach(this, folder, options)
  }

  /** All pictures on one grid: the bytes of a PNG file, or the path of the .png or .webp file that was written. */
  grid(path?: undefined, options?: GridOptions): Promise<Uint8Array>
  grid(path: string, options?: GridOptions): Promise<string>
  grid(path?: string, options: GridOptions = {}): Promise<Uint8Array | string> {
    return path === undefined ? gridBytes(this, options) : saveGrid(this, path, options)
  }
}

/** Memory for `bytes`, or OUT_OF_MEMORY with what needs none. */
function allocate(bytes: number, count: number): Uint8Array {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    throw new ShinsakuError('OUT_OF_MEMORY', `${count} pictures take ${bytes} bytes, which are not to be had at once`, {
      cause,
      hint: 'save(folder), grid(path) and "for await" hold a few pictures, however many are sampled.',
      details: { bytes },
    })
  }
}

/** Takes all pictures of a source into memory. */
export async function collect(source: PictureSource): Promise<Pictures> {
  const { seeds, size, channels, provenance } = source
  const bytes = size * size * channels
  const pixels = allocate(seeds.length * bytes, seeds.length)
  let at = 0
  for await (const picture of source) {
    pixels.set(picture.pixels, at)
    at += bytes
  }
  return new Pictures(pixels, size, channels, seeds, provenance)
}
