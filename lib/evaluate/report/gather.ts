/** Brings together what a report shows: numbers, pictures of the pairs, and the records of the run. */
import { readdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Manifest } from '../../data/manifest.ts'
import { readJson } from '../../files/read.ts'
import { readBytes } from '../../images/decode.ts'
import { gridLayout, gridRows } from '../../images/grid.ts'
import { type Preview, previewOfFile, previewOfPixels } from '../../images/preview.ts'
import { flagText } from '../../options/value-kind.ts'
import { environmentFile } from '../../run/directory.ts'
import type { Pair } from '../metrics.ts'
import type { PictureSet } from '../pictures.ts'
import type { DataFacts, ReportContent, Rights, ShownPair, ShownPicture } from './content.ts'

/** Sides that pictures have on the page at most. */
const PAIR_SIDE = 192
const GRID_SIDE = 640
/** Grids over time; spread over the run, the first and the last among them. */
const MAX_GRIDS = 8

const shown = ({ png, width, height }: Preview): ShownPicture => ({
  source: `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
  width,
  height,
})

/** Whether the mirror image of a picture is nearer to another than the picture is. */
function isMirrored(picture: Uint8Array, other: Uint8Array, { size, channels }: PictureSet): boolean {
  let [plain, mirrored] = [0, 0]
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < channels; c++) {
        const value = other[(y * size + x) * channels + c]!
        plain += Math.abs(picture[(y * size + x) * channels + c]! - value)
        mirrored += Math.abs(picture[(y * size + size - 1 - x) * channels + c]! - value)
      }
  return mirrored < plain
}

export type PairSets = {
  samples: PictureSet
  reference: PictureSet
  seeds: readonly number[]
  names: readonly string[]
}

/** Pairs with their pictures. */
export async function showPairs(
  pairs: readonly Pair[],
  { samples, reference, seeds, names }: PairSets,
): Promise<ShownPair[]> {
  const result: ShownPair[] = []
  for (const { sample, reference: index, distance } of pairs) {
    const [ours, theirs] = [await samples.read([sample]), await reference.read([index])]
    const shape = { width: samples.size, height: samples.size, channels: samples.channels }
    result.push({
      sample: shown(await previewOfPixels(ours, shape, PAIR_SIDE)),
      reference: shown(await previewOfPixels(theirs, shape, PAIR_SIDE)),
      sampleName: `seed ${seeds[sample]}`,
      referenceName: names[index] ?? String(index),
      distance,
      mirrored: isMirrored(ours, theirs, samples),
    })
  }
  return result
}

/** Pictures of the first rows at most; a page is no folder. */
const GRID_PICTURES = 64

/** The first samples side by side, none chosen. */
export async function firstSamples(samples: PictureSet): Promise<ShownPicture> {
  const { count, size, channels } = samples
  const indices = Array.from({ length: Math.min(GRID_PICTURES, count) }, (_, index) => index)
  const shape = { count: indices.length, size, channels }
  const { width, height } = gridLayout(shape)
  const pixels = new Uint8Array(width * height * channels)
  const pictures = async function* () {
    for (const index of indices) yield await samples.read([index])
  }
  let at = 0
  for await (const rows of gridRows(pictures(), shape)) {
    pixels.set(rows, at)
    at += rows.length
  }
  return shown(await previewOfPixels(pixels, { width, height, channels }, GRID_SIDE))
}

/** A picture of the run; null where it cannot be read: a report lacks it then. */
const gridAt = async (path: string): Promise<ShownPicture | null> => {
  try {
    return shown(await previewOfFile(await readBytes(path), GRID_SIDE))
  } catch {
    return null
  }
}

export const realsOf = (run: string): Promise<ShownPicture | null> => gridAt(join(run, 'reals.png'))

/** The run's preview grids up to `images`. */
export async function gridsOf(run: string, images: number): Promise<ReportContent['overTime']> {
  const folder = join(run, 'samples')
  const found = (await readdir(folder).catch(() => []))
    .flatMap((name) => (/^\d{9,16}\.png$/.test(name) ? [Number(name.slice(0, -4))] : []))
    .filter((at) => at <= images)
    .sort((a, b) => a - b)
  const most = Math.min(MAX_GRIDS, found.length)
  const chosen = new Set(
    Array.from({ length: most }, (_, i) => found[most === 1 ? 0 : Math.round((i * (found.length - 1)) / (most - 1))]!),
  )
  const grids: ReportContent['overTime'][number][] = []
  for (const at of chosen) {
    const picture = await gridAt(join(folder, `${String(at).padStart(9, '0')}.png`))
    if (picture !== null) grids.push({ images: at, picture })
  }
  return grids
}

/** What a manifest says about the pictures and their rights, the most frequent first. */
export function dataFacts(manifest: Manifest, warnings: readonly string[]): DataFacts {
  const { data, count, digest, files, heldOut = [], skipped, settings } = manifest
  const rights = new Map<string, Rights>()
  for (const { licence, author, source } of files) {
    const key = JSON.stringify([licence, author, source])
    rights.set(key, { licence, author, source, count: (rights.get(key)?.count ?? 0) + 1 })
  }
  return {
    name: data,
    count,
    heldOut: heldOut.length,
    size: settings.size,
    channels: settings.channels,
    digest,
    skipped: skipped.length,
    optOut: files.filter(({ optOut }) => optOut).length,
    rights: [...rights.values()].sort((a, b) => b.count - a.count),
    warnings,
  }
}

const environmentSchema = z.looseObject({
  processor: z.string().optional(),
  gpu: z.string().optional(),
  device: z.string().optional(),
  precision: z.string().optional(),
  libtorch: z.string().optional(),
})

/** The machine that the run was trained on and this one. */
export async function machineOf(
  run: string,
  device: string,
  seconds: { sampling: number; measuring: number },
): Promise<ReportContent['machine']> {
  const trained = await readJson(join(run, environmentFile), environmentSchema).catch(() => null)
  const rows: [string, string][] = []
  if (trained) {
    const { processor, gpu, device: on, precision, libtorch } = trained
    const where = on?.startsWith('cuda') ? gpu : processor
    rows.push(['Trained on', [where, precision, libtorch && `libtorch ${libtorch}`].filter(Boolean).join(', ')])
  }
  rows.push(
    ['Measured on', device === 'cpu' ? (cpus()[0]?.model ?? 'a CPU') : device],
    ['Time of sampling', `${seconds.sampling.toFixed(1)} s`],
    ['Time of measuring', `${seconds.measuring.toFixed(1)} s`],
  )
  return rows
}

/** Options that hold paths of this machine, or say nothing about the pictures. */
const privateOptions = new Set(['data', 'out', 'resume', 'allowChanges', 'seeds', 'seed', 'count'])

/** Options as they are written on the command line, without paths. */
export const optionTexts = (options: object): [string, string][] =>
  Object.entries(options)
    .filter(([name, value]) => value !== undefined && !privateOptions.has(name))
    .map(([name, value]) => [name, flagText(value)])
