/** One sampled picture: its pixels, and files of it with seed and settings inside. */
import { extname } from 'node:path'
import { throwIfAny } from '../errors.ts'
import { writeDurable } from '../files/write.ts'
import type { PictureFormat } from '../images/encode.ts'
import type { PictureLabels } from '../options/labels.ts'
import { absolutePath } from '../options/paths.ts'

/** What each picture's metadata says about how it was made. */
export type Provenance = Readonly<Record<string, string | number | boolean | null | readonly number[] | PictureLabels>>

/** What pictures of one call have in common. */
export type PictureKind = {
  /** Side of the square, in pixels. */
  readonly size: number
  readonly channels: number
  readonly provenance: Provenance
}

const formats: readonly PictureFormat[] = ['png', 'webp']

/** Throws OPTION_INVALID for what is not a format that pictures are written in. */
export function requireFormat(format: unknown): asserts format is PictureFormat {
  if (!formats.includes(format as PictureFormat))
    throwIfAny([{ path: 'format', message: `must be one of ${formats.join(', ')}, but is ${JSON.stringify(format)}` }])
}

/** The format that a path asks for by its extension. Throws OPTION_INVALID; `option` names the path there. */
export function formatOf(path: unknown, option = 'path'): PictureFormat {
  const extension = typeof path === 'string' ? extname(path).slice(1).toLowerCase() : ''
  if (!formats.includes(extension as PictureFormat))
    throwIfAny([{ path: option, message: `must end in .png or .webp, but is ${JSON.stringify(path)}` }])
  return extension as PictureFormat
}

/** Values of a channel this close look the same. */
const SAME_COLOUR = 2

/** One picture of a call to `sample()`. */
export class Picture implements PictureKind {
  readonly seed: number
  /** uint8, `[size, size, channels]`, row-major. */
  readonly pixels: Uint8Array
  readonly size: number
  readonly channels: number
  readonly provenance: Provenance

  constructor(seed: number, pixels: Uint8Array, { size, channels, provenance }: PictureKind) {
    this.seed = seed
    this.pixels = pixels
    this.size = size
    this.channels = channels
    this.provenance = provenance
  }

  /** Whether it is a single colour: a model that samples such pictures has learned nothing yet, or has collapsed. */
  get flat(): boolean {
    return this.pixels.every((value, i) => Math.abs(value - this.pixels[i % this.channels]!) <= SAME_COLOUR)
  }

  /** The bytes of a PNG or WebP file, with seed and settings in its metadata. */
  async encode(format: PictureFormat = 'png'): Promise<Uint8Array> {
    requireFormat(format)
    const { encodePicture } = await import('../images/encode.ts')
    const shape = { width: this.size, height: this.size, channels: this.channels }
    return encodePicture(this.pixels, shape, format, { ...this.provenance, seed: this.seed })
  }

  /** Writes a .png or .webp file durably; resolves to its path. */
  async save(path: string): Promise<string> {
    const target = absolutePath(path)
    await writeDurable(target, await this.encode(formatOf(path)))
    return path
  }
}

/** Pictures that come one after the other, and what is known of them before. */
export type PictureSource = PictureKind & {
  readonly seeds: readonly number[]
  /** Whether the same call gives each picture again, so that one that is in a file need not be sampled. */
  readonly repeatable?: boolean
  /** The same pictures of these seeds only. */
  only?(seeds: readonly number[]): PictureSource
} & (Iterable<Picture> | AsyncIterable<Picture>)

/** What is known of pictures before they come. */
export const kindOf = ({ seeds, size, channels, provenance }: PictureSource) => ({ seeds, size, channels, provenance })
