/** The pictures that samples are measured against: those of the run, which must be as they were, or others that are named. */
import { type Dataset, type DatasetHooks, loadDataset } from '../data/dataset.ts'
import type { Manifest } from '../data/manifest.ts'
import { ShinsakuError } from '../errors.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { readDatasetFiles, readDatasetRecord } from '../run/dataset-record.ts'
import { awaitsData } from '../run/directory.ts'
import { datasetFile } from '../run/names.ts'
import type { FeatureCall } from './by-features.ts'
import { groupsOf } from './copies.ts'
import { featureCache } from './feature-cache.ts'
import type { EvaluationHooks } from './hooks.ts'
import type { ExtractorInfo } from './metrics.ts'
import { asRgb, type PictureSet } from './pictures.ts'

export type Reference = {
  pictures: PictureSet
  groups: Int32Array
  heldOut: PictureSet | null
  manifest: Manifest
  warnings: readonly string[]
  close(): Promise<void>
}

const progressOf = ({ signal, onProgress }: EvaluationHooks): DatasetHooks => ({
  ...(signal && { signal }),
  ...(onProgress && { onProgress: ({ done, total }) => onProgress({ phase: 'reading', done, total }) }),
})

export function toReference({ store, heldOut, manifest, warnings }: Dataset, background: string): Reference {
  return {
    pictures: asRgb(store, background),
    groups: groupsOf(manifest.files),
    heldOut: heldOut && asRgb(heldOut, background),
    manifest,
    warnings,
    close: () => store.close(),
  }
}

/** Where the features of both sides of a data set are kept. */
export function keptOf(
  { digest, heldOutDigest, settings }: Manifest,
  extractor: ExtractorInfo,
  device: string,
): NonNullable<FeatureCall['kept']> {
  const cacheOf = (files: string) => featureCache(files, settings, extractor, device)
  return { reference: cacheOf(digest), heldOut: heldOutDigest === undefined ? null : cacheOf(heldOutDigest) }
}

/** Throws RESUME_MISMATCH where the pictures of a run are not those it was trained on. */
async function requireSame(run: string, { digest, count, heldOutDigest }: Manifest): Promise<void> {
  const then = await readDatasetRecord(datasetFile(run))
  if (then.digest === digest && then.heldOutDigest === (heldOutDigest ?? null)) return
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `The pictures are not those that ${run} was trained on: ${then.count} then, ${count} now, or others`,
    { hint: 'Bring them back, or name pictures to measure against: data (--data).', details: { changed: ['data'] } },
  )
}

/** Reads the reference at the size of the run. Rejects as `loadDataset()` does, and with RESUME_MISMATCH. */
export async function loadReference(
  run: string,
  trained: ResolvedTrainOptions,
  data: ResolvedTrainOptions['data'] | null,
  hooks: EvaluationHooks,
): Promise<Reference> {
  if (data === null && (await awaitsData(run)))
    throw new ShinsakuError('DATA_NOT_FOUND', `${run} was imported: what it was trained on is not known`, {
      hint: 'Name the pictures to measure against: data (--data).',
    })
  const options = { ...trained, labels: null, ...(data !== null && { data, holdout: 0 }) }
  const recorded = data === null ? { recorded: await readDatasetFiles(datasetFile(run)) } : {}
  const dataset = await loadDataset(options, { ...progressOf(hooks), ...recorded })
  if (data === null)
    await requireSame(run, dataset.manifest).catch(async (error) => {
      await dataset.store.close()
      throw error
    })
  return toReference(dataset, trained.background)
}
