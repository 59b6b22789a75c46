/** Sampled pictures into files: one for each, and where it is asked for a grid of all in the same pass. */
import { basename, join } from 'node:path'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { PictureFormat } from '../images/encode.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'
import { checkGrid, type GridOptions, writeGrid } from './grid.ts'
import { findKept, type Kept, readKept } from './kept.ts'
import { kindOf, Picture, type PictureKind, type PictureSource, requireFormat } from './picture.ts'
import { requireFolderName, requireTargets } from './targets.ts'

export type SaveOptions = GridOptions & {
  /** "png" (default) or "webp". */
  format?: PictureFormat
  /** File names are `<prefix><seed>.<format>`; "seed-" by default. */
  prefix?: string
  /** A .png or .webp file for a grid of all pictures, made in the same pass. */
  grid?: string
  /** Replace files that are there, whatever they are. Otherwise the call's own are kept, and others refuse it. */
  overwrite?: boolean
  /** Called with each file once it is durable, in the order of the seeds; `kept` where it was there before. */
  onFile?: (path: string, seed: number, kept: boolean) => void
}

/** Files written at one time: the disk and the encoder work beside the sampler, and few pictures are held. */
const IN_FLIGHT = 8

/** Throws OPTION_INVALID for options that no picture could be saved with. */
export function checkSave(folder: string, options: SaveOptions): void {
  const { format = 'png', grid } = options
  requireFolderName(folder)
  requireFormat(format)
  checkGrid(options, grid, 'grid')
}

type Naming = (seed: number) => string

const namingOf =
  (folder: string, { format = 'png', prefix = 'seed-' }: SaveOptions): Naming =>
  (seed) =>
    join(folder, `${prefix}${seed}.${format}`)

/** Passes pictures on while the files of those that are new are written; ends when all of them are durable. */
async function* saving(
  pictures: AsyncIterable<Picture | Kept>,
  pathOf: Naming,
  { format = 'png', onFile }: SaveOptions,
): AsyncGenerator<Picture | Kept> {
  const writing: { path: string; seed: number; kept: boolean; written: Promise<unknown> }[] = []
  const settleOldest = async () => {
    const { path, seed, kept, written } = writing.shift()!
    await written
    onFile?.(path, seed, kept)
  }
  try {
    for await (const picture of pictures) {
      if (writing.length >= IN_FLIGHT) await settleOldest()
      const { seed } = picture
      const path = pathOf(seed)
      const kept = !(picture instanceof Picture)
      const written = kept ? Promise.resolve() : picture.encode(format).then((bytes) => writeDurable(path, bytes))
      // Its failure is met where it is settled.
      written.catch(() => {})
      writing.push({ path, seed, kept, written })
      yield picture
    }
    while (writing.length > 0) await settleOldest()
  } finally {
    // After a failure elsewhere, too, nothing is written behind the caller's back.
    while (writing.length > 0) await settleOldest().catch(() => {})
  }
}

/**
 * Writes one file for each picture, and the grid where one is asked for; resolves to the paths of the pictures. Relative
 * paths are those in the folder `from`.
 */
export async function saveEach(
  pictures: PictureSource,
  folder: string,
  options: SaveOptions,
  from = workingFolder(),
): Promise<string[]> {
  checkSave(folder, options)
  const { overwrite = false } = options
  const target = absolutePath(folder, from)
  const grid = options.grid === undefined ? undefined : absolutePath(options.grid, from)
  await requireTargets({ folder: target, grid })
  const pathOf = namingOf(target, options)
  const there = overwrite ? new Map<number, Kept>() : await findKept(pictures, pathOf)
  const kept = pictures.repeatable ? there : new Map<number, Kept>()
  await makeFolderDurable(target)
  const paths: string[] = []
  const onFile = (path: string, seed: number, wasThere: boolean) => {
    const asGiven = join(folder, basename(path))
    paths.push(asGiven)
    options.onFile?.(asGiven, seed, wasThere)
  }
  const passing = saving(besides(pictures, kept), pathOf, { ...options, onFile })
  if (grid === undefined) for await (const _ of passing);
  else await writeGrid(Object.assign(withPixels(passing, pictures), kindOf(pictures)), grid, options)
  return paths
}

/** All pictures in the order of their seeds: those that are kept, and the others, which are sampled. */
async function* besides(
  pictures: PictureSource,
  kept: ReadonlyMap<number, Kept>,
): AsyncGenerator<Picture | Kept, void, undefined> {
  const missing = pictures.seeds.filter((seed) => !kept.has(seed))
  if (kept.size === 0 || !pictures.only) return yield* pictures
  const { only } = pictures
  const sampled = missing.length === 0 ? [] : only.call(pictures, missing)
  const iterator = asAsync(sampled)
  try {
    for (const seed of pictures.seeds) {
      const old = kept.get(seed)
      if (old) yield old
      else yield (await iterator.next()).value as Picture
    }
  } finally {
    await iterator.return()
  }
}

async function* asAsync(
  pictures: Iterable<Picture> | AsyncIterable<Picture>,
): AsyncGenerator<Picture, void, undefined> {
  yield* pictures
}

async function* withPixels(pictures: AsyncIterable<Picture | Kept>, kind: PictureKind): AsyncGenerator<Picture> {
  for await (const picture of pictures) yield picture instanceof Picture ? picture : await readKept(picture, kind)
}
