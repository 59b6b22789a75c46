/** All pictures of a call on one grid: its bytes or its file, which holds what was finished when sampling is aborted. */
import { buffer } from 'node:stream/consumers'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { writeDurable } from '../files/write.ts'
import type { PictureFormat } from '../images/encode.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'
import { formatOf, kindOf, Picture, type PictureSource } from './picture.ts'
import { requireTargets } from './targets.ts'

export type GridOptions = {
  /** Enlarge the pictures so many times, each pixel a square: small ones are hard to see. 1 by default, at most 64. */
  scale?: number
}

const MAX_SCALE = 64

/** Throws OPTION_INVALID for options, or a path, that no grid could be made with. */
export function checkGrid({ scale = 1 }: GridOptions, path?: unknown, option = 'path'): void {
  if (path !== undefined) formatOf(path, option)
  if (!Number.isInteger(scale) || scale < 1 || scale > MAX_SCALE)
    throwIfAny([{ path: 'scale', message: `must be an integer from 1 to ${MAX_SCALE}, but is ${scale}` }])
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

/** The bytes of one file with all pictures, as they come. */
async function gridFile(
  pictures: PictureSource,
  format: PictureFormat,
  { scale = 1 }: GridOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const { encodeGrid, enlarged, requireGridFits } = await import('../images/grid.ts')
  const { seeds, size, channels, provenance } = pictures
  const shape = { count: seeds.length, size: size * scale, channels }
  requireGridFits(shape, format)
  async function* pixelsOf() {
    for await (const { pixels } of pictures) yield enlarged(pixels, pictures, scale)
  }
  return encodeGrid(pixelsOf(), shape, format, { ...provenance, seeds: seedText(seeds) })
}

/** The bytes of a PNG file with all pictures. */
export async function gridBytes(pictures: PictureSource, options: GridOptions = {}): Promise<Uint8Array> {
  checkGrid(options)
  return buffer(await gridFile(pictures, 'png', options))
}

/** Takes what was finished of a source that was aborted, and black pictures for the rest. */
async function* untilAborted(pictures: PictureSource, aborted: (error: ShinsakuError, finished: number) => void) {
  const { seeds, size, channels } = pictures
  let finished = 0
  try {
    for await (const picture of pictures) {
      finished += 1
      yield picture
    }
  } catch (error) {
    if (!(error instanceof ShinsakuError) || error.code !== 'ABORT_ERR' || finished === 0) throw error
    aborted(error, finished)
    for (const seed of seeds.slice(finished))
      yield new Picture(seed, new Uint8Array(size * size * channels), kindOf(pictures))
  }
}

/** Writes the grid durably. When sampling is aborted, it holds what was finished, and ABORT_ERR says so. */
export async function writeGrid(pictures: PictureSource, path: string, options: GridOptions): Promise<void> {
  let aborted: ShinsakuError | undefined
  const cut = untilAborted(pictures, ({ message, cause }, finished) => {
    const text = `${message}; ${path} holds the first ${finished} of ${pictures.seeds.length} pictures`
    aborted = new ShinsakuError('ABORT_ERR', text, { cause, details: { grid: path, finished } })
  })
  await writeDurable(path, await gridFile(Object.assign(cut, kindOf(pictures)), formatOf(path), options))
  if (aborted) throw aborted
}

/** Writes one file with all pictures durably, to `path` in the folder `from`; resolves to `path`. */
export async function saveGrid(
  pictures: PictureSource,
  path: string,
  options: GridOptions = {},
  from = workingFolder(),
): Promise<string> {
  checkGrid(options, path)
  const grid = absolutePath(path, from)
  await requireTargets({ grid })
  await writeGrid(pictures, grid, options)
  return path
}
