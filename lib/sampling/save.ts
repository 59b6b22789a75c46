/** Sampled pictures into files: one for each, one grid of all, or both in one pass. */
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { PictureFormat } from '../images/encode.ts'
import { formatOf, type Picture, type PictureKind, requireFormat } from './picture.ts'
import { requireFolderName, requireTargets } from './targets.ts'

/** Pictures that come one after the other, and what is known of them before. */
export type PictureSource = PictureKind & { readonly seeds: readonly number[] } & (
    | Iterable<Picture>
    | AsyncIterable<Picture>
  )

export type SaveOptions = {
  /** "png" (default) or "webp". */
  format?: PictureFormat
  /** File names are `<prefix><seed>.<format>`; "seed-" by default. */
  prefix?: string
  /** A .png or .webp file for a grid of all pictures, made in the same pass. */
  grid?: string
  /** Called with each file once it is durable, in the order of the seeds. */
  onFile?: (path: string, seed: number) => void
}

/** Files written at one time: the disk and the encoder work beside the sampler, and few pictures are held. */
const IN_FLIGHT = 8

/** Throws OPTION_INVALID for options that no picture could be saved with. */
export function checkSave(folder: string, { format = 'png', grid }: SaveOptions): void {
  requireFolderName(folder)
  requireFormat(format)
  if (grid !== undefined) formatOf(grid, 'grid')
}

/** Passes pictures on while their files are written; ends when all of them are durable. */
async function* saving(
  pictures: PictureSource,
  folder: string,
  { format = 'png', prefix = 'seed-', onFile }: SaveOptions,
): AsyncGenerator<Picture> {
  const writing: { path: string; seed: number; written: Promise<unknown> }[] = []
  const settleOldest = async () => {
    const { path, seed, written } = writing.shift()!
    await written
    onFile?.(path, seed)
  }
  try {
    for await (const picture of pictures) {
      if (writing.length >= IN_FLIGHT) await settleOldest()
      const path = join(folder, `${prefix}${picture.seed}.${format}`)
      const written = picture.encode(format).then((bytes) => writeDurable(path, bytes))
      // Its failure is met where it is settled.
      written.catch(() => {})
      writing.push({ path, seed: picture.seed, written })
      yield picture
    }
    while (writing.length > 0) await settleOldest()
  } finally {
    // After a failure elsewhere, too, nothing is written behind the caller's back.
    while (writing.length > 0) await settleOldest().catch(() => {})
  }
}

/** Seeds in few words: four or more that follow each other as first-last. Readers take a few thousand characters. */
export function seedText(seeds: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < seeds.length; ) {
    let end = at + 1
    while (end < seeds.length && seeds[end] === seeds[end - 1]! + 1) end += 1
    if (end - at > 3) parts.push(`${seeds[at]}-${seeds[end - 1]}`)
    else parts.push(...seeds.slice(at, end).map(String))
    at = end
  }
  const text = parts.join(' ')
  if (text.length <= MAX_SEED_TEXT) return text
  const kept = text.slice(0, text.lastIndexOf(' ', MAX_SEED_TEXT))
  return `${kept} ... (${seeds.length} in all)`
}

const MAX_SEED_TEXT = 16_384

async function* pixelsOf(pictures: PictureSource): AsyncGenerator<Uint8Array> {
  for await (const { pixels } of pictures) yield pixels
}

/** The bytes of one file with all pictures, as they come. */
async function gridFile(pictures: PictureSource, format: PictureFormat): Promise<AsyncIterable<Uint8Array>> {
  const { encodeGrid, requireGridFits } = await import('../images/grid.ts')
  const { seeds, size, channels, provenance } = pictures
  const shape = { count: seeds.length, size, channels }
  requireGridFits(shape, format)
  return encodeGrid(pixelsOf(pictures), shape, format, { ...provenance, seeds: seedText(seeds) })
}

/** The bytes of a PNG file with all pictures. */
export const gridBytes = async (pictures: PictureSource): Promise<Uint8Array> => buffer(await gridFile(pictures, 'png'))

const writeGrid = async (pictures: PictureSource, path: string): Promise<unknown> =>
  writeDurable(path, await gridFile(pictures, formatOf(path)))

/** Writes one file with all pictures durably; resolves to its path. */
export async function saveGrid(pictures: PictureSource, path: string): Promise<string> {
  formatOf(path)
  await requireTargets({ grid: path })
  await writeGrid(pictures, path)
  return path
}

/** Writes one file for each picture, and the grid where one is asked for; resolves to the paths of the pictures. */
export async function saveEach(pictures: PictureSource, folder: string, options: SaveOptions): Promise<string[]> {
  checkSave(folder, options)
  await requireTargets({ folder, grid: options.grid })
  await makeFolderDurable(folder)
  const paths: string[] = []
  const onFile = (path: string, seed: number) => {
    paths.push(path)
    options.onFile?.(path, seed)
  }
  const passing = saving(pictures, folder, { ...options, onFile })
  if (options.grid === undefined) for await (const _ of passing);
  else await writeGrid(Object.assign(passing, kindOf(pictures)), options.grid)
  return paths
}

const kindOf = ({ seeds, size, channels, provenance }: PictureSource) => ({ seeds, size, channels, provenance })
