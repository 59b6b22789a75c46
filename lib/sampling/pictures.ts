/** Drawn pictures: raw pixels, files with their seed inside, grids. */
import { extname, join } from 'node:path'
import { throwIfAny } from '../errors.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { PictureFormat } from '../images/images.ts'

/** What each picture's metadata says about how it was made. */
export type Provenance = Readonly<Record<string, string | number | boolean | null>>

export type SaveOptions = {
  /** "png" (default) or "webp". */
  format?: PictureFormat
  /** File names are `<prefix><seed>.<format>`; "seed-" by default. */
  prefix?: string
}

const formats: readonly PictureFormat[] = ['png', 'webp']

/** Values of a channel this close look the same. */
const SAME_COLOUR = 2

function formatOf(path: string): PictureFormat {
  const extension = extname(path).slice(1).toLowerCase() as PictureFormat
  if (!formats.includes(extension))
    throwIfAny([{ path: 'path', message: `must end in .png or .webp, but is "${path}"` }])
  return extension
}

/** `count` pictures of `size` x `size` pixels, in the order of their seeds. */
export class Pictures {
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

  /** Indices of pictures that are a single colour: a model that draws them has learned nothing yet, or has collapsed. */
  get flat(): number[] {
    const isFlat = (index: number) => {
      const pixels = this.picture(index)
      return pixels.every((value, i) => Math.abs(value - pixels[i % this.channels]!) <= SAME_COLOUR)
    }
    return Array.from(this.seeds.keys()).filter(isFlat)
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
  async encode(index: number, format: PictureFormat = 'png'): Promise<Uint8Array> {
    if (!formats.includes(format))
      throwIfAny([
        { path: 'format', message: `must be one of ${formats.join(', ')}, but is ${JSON.stringify(format)}` },
      ])
    const { encodePicture } = await import('../images/images.ts')
    const shape = { width: this.size, height: this.size, channels: this.channels }
    return encodePicture(this.picture(index), shape, format, { ...this.provenance, seed: this.seeds[index]! })
  }

  /** Writes one file for each picture into `folder`; resolves to their paths. Equal seeds give one file. */
  async save(folder: string, { format = 'png', prefix = 'seed-' }: SaveOptions = {}): Promise<string[]> {
    await makeFolderDurable(folder)
    const paths: string[] = []
    for (const [index, seed] of this.seeds.entries()) {
      const path = join(folder, `${prefix}${seed}.${format}`)
      await writeDurable(path, await this.encode(index, format))
      paths.push(path)
    }
    return paths
  }

  /** All pictures on one sheet. Resolves to the file's bytes, and writes them where `path` is given. */
  async grid(path?: string): Promise<Uint8Array> {
    const format = path === undefined ? 'png' : formatOf(path)
    const { encodePicture, makeGrid } = await import('../images/images.ts')
    const { pixels, ...shape } = makeGrid(this.pixels, this.count, this.size, this.channels)
    const bytes = await encodePicture(pixels, { ...shape, channels: this.channels }, format, {
      ...this.provenance,
      seeds: this.seeds.join(' '),
    })
    if (path !== undefined) await writeDurable(path, bytes)
    return bytes
  }
}
