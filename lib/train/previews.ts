/** The grids a run shows itself by: the pictures it learns from, and what it samples with fixed seeds. */

import { access } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Dataset } from '../data/dataset.ts'
import { writeDurable } from '../files/write.ts'
import { encodeGrid, gridLayout } from '../images/grid.ts'
import { definitionOf } from '../models/table.ts'
import { conditionOf } from '../options/condition.ts'
import type { ResolvedTrainOptions, SampleOptions } from '../options/types.ts'
import type { RunDirectory } from '../run/directory.ts'
import type { Model } from '../sampling/model.ts'
import { weightsText } from '../sampling/weights.ts'
import type { OnPhase } from './phases.ts'
import type { RunLog } from './run-log.ts'

/** Tag of the preview grids in event files. */
const SAMPLES = 'samples'

/** Pictures on reals.png. */
const MAX_REALS = 64

/** Writes reals.png: pictures of the data, spread over it, as the network sees them but for mirroring. */
export async function writeReals(directory: RunDirectory, runLog: RunLog, { store }: Dataset): Promise<void> {
  const { count, size, channels } = store
  const shape = { count: Math.min(count, MAX_REALS), size, channels }
  const indices = Array.from({ length: shape.count }, (_, i) => Math.floor((i * count) / shape.count))
  const pixels = await store.read(indices)
  const bytes = pixels.length / shape.count
  const chosen = indices.map((_, i) => pixels.subarray(i * bytes, (i + 1) * bytes))
  const png = await buffer(encodeGrid(chosen, shape, 'png'))
  await writeDurable(directory.realsPath, png)
  const { width, height } = gridLayout(shape)
  runLog.picture(0, 'reals', png, width, height)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Options of a preview: the same seeds for the whole run, so that grids can be compared. */
export function previewOptions(options: ResolvedTrainOptions): SampleOptions {
  return { count: options.previews, seed: options.seed, ...definitionOf(options.model).previewOptions(options) }
}

/**
 * Whether the grid of the images that a run is resumed at is due and missing: a process that ended between a
 * checkpoint and its grid left none. `tags` are those of the events at `images`.
 */
export async function lacksPreview(
  directory: RunDirectory,
  options: ResolvedTrainOptions,
  images: number,
  tags: ReadonlySet<string>,
): Promise<boolean> {
  // The first update past a multiple of checkpointImages, or the end, as far as the number alone can tell.
  const before = Math.max(0, images - definitionOf(options.model).imagesPerUpdate(options))
  const due =
    images === 0 ||
    images >= options.maxImages ||
    Math.floor(images / options.checkpointImages) > Math.floor(before / options.checkpointImages)
  if (!due || options.previews === 0 || conditionOf(options) !== null) return false
  return !tags.has(SAMPLES) || !(await exists(directory.samplePath(images)))
}

/** Samples one grid with the weights of `model` into samples/ and the event file. */
export async function writePreview(
  directory: RunDirectory,
  runLog: RunLog,
  model: Model,
  images: number,
  onPhase: OnPhase,
): Promise<void> {
  const { previews } = model.options
  // They would need pictures to begin with.
  if (previews === 0 || conditionOf(model.options) !== null) return
  const onProgress = (done: number) => onPhase({ phase: 'preview', done, total: 1 })
  onProgress(0)
  const pictures = await model.sample({ ...previewOptions(model.options), onProgress })
  const png = await pictures.grid()
  await directory.writeSample(images, png)
  if (images > 0) runLog.log(`Preview: ${directory.samplePath(images)}, with the ${weightsText(model.autoWeights)}`)
  const { width, height } = gridLayout(pictures)
  // What an untrained network samples may well be grey.
  const { flat, count } = pictures
  if (images > 0 && flat.length > 0)
    runLog.log(
      `Warning: ${flat.length} of ${count} previews at ${images} images are a single colour. If it stays so, the model has collapsed: go on from an earlier checkpoint with a lower lr`,
    )
  runLog.picture(images, SAMPLES, png, width, height)
}
