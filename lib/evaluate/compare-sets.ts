/** What `compare()` promises: the pictures of one source against those of another, both brought to one size. */
import { resolveDevice } from '../backend/device.ts'
import { type Dataset, loadDataset } from '../data/dataset.ts'
import { pictureSide } from '../data/picture-side.ts'
import { loadNative } from '../native/load.ts'
import { withThreads } from '../native/with-threads.ts'
import { resolveTrain } from '../options/resolve.ts'
import { resolveCompare } from '../options/resolve-evaluate.ts'
import { threadsFor } from '../system/cpus.ts'
import type { CompareCall, Comparison } from './calls.ts'
import { openExtractor } from './extractor/open.ts'
import { judge } from './judge.ts'
import { asRgb } from './pictures.ts'
import { keptOf, toReference } from './reference.ts'
import { openStatistics } from './statistics.ts'

/** The side that Inception sees: larger pictures would only be made smaller again. */
const MAX_SIDE = 299
const MIN_SIDE = 8
/** Of drawings, which have any size. */
const DRAWN_SIDE = 128

/** The shorter side that is usual in the set with the smaller pictures. */
async function usualSide(sources: readonly (string | string[])[]): Promise<number> {
  const sides = await Promise.all(sources.map((source) => pictureSide(source)))
  const usual = Math.min(...sides)
  return Number.isFinite(usual) ? Math.min(MAX_SIDE, Math.max(MIN_SIDE, usual)) : DRAWN_SIDE
}

export async function compareSets(
  first: string | readonly string[],
  second: string | readonly string[],
  { signal, onProgress, ...given }: CompareCall,
): Promise<Comparison> {
  const hooks = { signal, onProgress }
  const {
    size: wanted,
    background,
    fit,
    crop,
    seed,
    extractor: choice,
    statistics: file,
    device: asked,
    threads,
  } = resolveCompare(given)
  const [reference, pictures] = [first, second].map((data) => (typeof data === 'string' ? data : [...data])) as [
    string | string[],
    string | string[],
  ]
  const addon = withThreads((await loadNative()).addon, threadsFor(threads))
  const device = await resolveDevice(asked)
  const extractor = await openExtractor(addon, choice, device)
  const statistics = await openStatistics(file, extractor).catch((error) => {
    if ('open' in extractor) extractor.open.embedder.dispose()
    throw error
  })
  const size = wanted ?? (await usualSide([reference, pictures]))
  const load = (data: string | string[]): Promise<Dataset> =>
    loadDataset(
      { ...resolveTrain({ data, background, fit, crop, holdout: 0 }), size, channels: 3, takeOwn: true },
      {
        ...(signal && { signal }),
        ...(onProgress && { onProgress: ({ done, total }) => onProgress({ phase: 'reading', done, total }) }),
      },
    )
  const opened: Dataset[] = []
  try {
    opened.push(await load(reference))
    opened.push(await load(pictures))
    const { pictures: real, groups, manifest } = toReference(opened[0]!, background)
    const { store, manifest: measured, warnings } = opened[1]!
    const { judgement, features } = await judge(
      addon,
      {
        sets: { samples: asRgb(store, background), reference: real, groups, heldOut: null },
        extractor,
        statistics,
        kept: 'info' in extractor ? keptOf(manifest, extractor.info, device) : null,
        reference: `pictures of ${manifest.data}`,
        format: [...new Set(measured.files.map(({ format }) => format))].sort().join(', '),
        seed,
      },
      hooks,
    )
    features?.reference.native.dispose()
    return { ...judgement, size, warnings: [...opened[0]!.warnings, ...warnings] }
  } finally {
    if ('open' in extractor) extractor.open.embedder.dispose()
    for (const { store } of opened) await store.close()
  }
}
