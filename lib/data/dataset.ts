/** The data of a run: pictures found, decoded once, described, ready in a store of pixels. */
import { abortError, ShinsakuError, visible } from '../errors.ts'
import type { PixelSettings } from '../images/decode.ts'
import { definitionOf } from '../models/table.ts'
import type { LabelSet } from '../options/labels.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { cacheLimit } from '../system/cache.ts'
import { usableMemory } from '../system/memory.ts'
import { pixelsFolder } from './cache-folder.ts'
import { measureAll } from './decode.ts'
import { type Finding, findingsOf } from './findings.ts'
import { LINK_OUT, OWN_RUN } from './folder.ts'
import { KnownFiles } from './known-files.ts'
import { labelFiles, type OneAttribute, unlabelled, withoutLabelFiles } from './labels/label-files.ts'
import { readLabels } from './labels/read.ts'
import { readLicences } from './licences.ts'
import { loadOrDecode } from './load-or-decode.ts'
import { digestOf, type Manifest, type ManifestFile, type Skipped } from './manifest.ts'
import { type CompareHooks, groupNearDuplicates } from './near-duplicates.ts'
import type { Measured } from './outcome.ts'
import type { StoreKind } from './pixel-cache.ts'
import { type PixelStore, rowBytes } from './pixel-store.ts'
import { openSource, type Source } from './source.ts'
import { chooseHeldOut, countHeldOut, type RecordedSplit } from './split.ts'
import { splitStore } from './split-store.ts'
import { markGroups, toManifest } from './to-manifest.ts'
import { groupVariants } from './variants.ts'
import { describeIgnored, describeSkipped, several, warningsOf } from './warnings.ts'

export type { Manifest, ManifestFile } from './manifest.ts'

/** The options that decide what the pixels are, and where they are kept. */
export type DatasetOptions = PixelSettings &
  Pick<ResolvedTrainOptions, 'data' | 'onUnreadable' | 'duplicates' | 'holdout' | 'pixelStore'> &
  Partial<Pick<ResolvedTrainOptions, 'out' | 'labels' | 'model' | 'attribute'>>

/** How far reading the pictures has come. */
export type DataProgress = {
  /**
   * "read": every file is read to know its content; "decode": new ones are decoded. Those that an interrupted start
   * has decoded already are done at once. "compare": where there are many, near-duplicates are looked for.
   */
  phase: 'read' | 'decode' | 'compare'
  done: number
  total: number
}

export type DatasetHooks = {
  signal?: AbortSignal
  /** Called after each picture of each phase, and once for all that need no decoding. */
  onProgress?: (progress: DataProgress) => void
  /** Where decoded pixels are kept; `pixels` in the user's cache folder by default. */
  cacheFolder?: string
  /** Of a run that goes on: what was held out stays so, and nothing else is. */
  recorded?: RecordedSplit
  /** Leaves the cache as it is. Pixels that would be in a file of it are not kept then, and cannot be read. */
  readOnly?: boolean
}

export type Dataset = {
  /** One row for each of `manifest.files`, in their order. Whoever has it closes it. */
  store: PixelStore
  /** One row for each of `manifest.heldOut`, in their order; null where there are none. Closed with `store`. */
  heldOut: PixelStore | null
  manifest: Manifest
  /** What is known of the pictures, whose own are in `manifest`; null where the options ask for none. */
  labels: LabelSet | null
  /** What a person should look at, of all pictures on both sides. */
  findings: readonly Finding[]
  /** One line each, for people. */
  warnings: string[]
}

type Choice = { list: Measured[]; skipped: Skipped[] }

const asSkipped = ({ details }: ShinsakuError): Skipped => ({
  path: details.path as string,
  reason: details.reason as string,
})

/** Takes out files that cannot be read and, where asked, those whose bytes were seen before. */
function dropUnusable(
  measured: readonly (Measured | ShinsakuError)[],
  { onUnreadable, duplicates }: DatasetOptions,
): Choice {
  const choice: Choice = { list: [], skipped: [] }
  const first = new Map<string, string>()
  for (const entry of measured) {
    if (entry instanceof ShinsakuError) {
      if (onUnreadable === 'fail') throw entry
      choice.skipped.push(asSkipped(entry))
      continue
    }
    const same = first.get(entry.sha256)
    if (same !== undefined && duplicates === 'drop')
      choice.skipped.push({ path: entry.item.path, reason: `has the same bytes as ${same}` })
    else choice.list.push(entry)
    first.set(entry.sha256, same ?? entry.item.path)
  }
  return choice
}

const GIVE_PICTURES = 'Give JPEG, PNG, WebP, AVIF, GIF or TIFF files, or "builtin:icons" for drawn ones.'

const GIVE_ARCHIVES =
  'Tar archives are read where they are named: FOLDER/*.tar on the command line, "FOLDER/{000..123}.tar" as data.'

/** What to do where nothing is left because of these. */
const hints = [
  [
    LINK_OUT,
    'Links out of the folder are not followed. Give a list of files, which may be links: FOLDER/* on the command line, an array as data in the API. Or copy what they lead to: cp -rL.',
  ],
  [OWN_RUN, 'Go on with a run by resume (--resume RUN). What shinsaku made itself is never data: give the pictures.'],
] as const

function empty(source: Source, skipped: readonly Skipped[]): ShinsakuError {
  const found = [
    skipped.length > 0
      ? `${several(skipped.length, 'file')} that cannot be used: ${describeSkipped(skipped)}`
      : undefined,
    describeIgnored(source.ignored),
  ].filter((part) => part !== undefined)
  const what = found.length === 0 ? 'it is empty' : `it has ${found.join('; ')}`
  return new ShinsakuError('DATA_EMPTY', `There is no usable picture in ${visible(source.name)}: ${what}`, {
    hint:
      hints.find(([reason]) => skipped.some((one) => one.reason === reason))?.[1] ??
      (source.ignored.tar ? GIVE_ARCHIVES : GIVE_PICTURES),
    details: { skipped, ignored: source.ignored },
  })
}

/** Of the memory that this process may use, what pixels may take before they stay in a file. */
const MEMORY_SHARE = 1 / 4

const storeKind = (pixelStore: DatasetOptions['pixelStore'], bytes: number): StoreKind =>
  pixelStore === 'auto' ? (bytes > usableMemory() * MEMORY_SHARE ? 'file' : 'memory') : pixelStore

/** Closes the store where `work` fails. */
async function withStore<T>(store: PixelStore, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Of a classifier: which attribute it learns. */
const classesOf = ({ model, attribute = null }: DatasetOptions): OneAttribute | undefined =>
  model !== undefined && definitionOf(model).classifies ? { attribute } : undefined

/** Near-duplicates, and variants with them. Closes the store where it fails. */
const groupAlike = (thumbnails: Uint8Array, store: PixelStore, hooks: CompareHooks) =>
  withStore(store, async () => {
    const duplicates = await groupNearDuplicates(thumbnails, hooks)
    return { duplicates, variants: await groupVariants(store, duplicates, hooks.signal) }
  })

type Loaded = { files: readonly ManifestFile[]; leaders: Int32Array; store: PixelStore }

/** The pictures on their two sides. Closes the store where it fails. Throws DATA_TOO_FEW. */
function split(
  { files, leaders, store: whole }: Loaded,
  { holdout }: DatasetOptions,
  recorded: RecordedSplit | undefined,
  isHeldOut: Source['isHeldOut'],
) {
  return withStore(whole, async () => {
    const chosen = isHeldOut
      ? [...files.keys()].filter((index) => isHeldOut(files[index]!.path))
      : chooseHeldOut(files, leaders, holdout, recorded)
    const fewer = isHeldOut ? 0 : countHeldOut(holdout, files.length) - chosen.length
    const warnings =
      fewer > 0 && !recorded
        ? [
            `Only ${several(chosen.length, 'picture')} held out, ${fewer} fewer than asked: near-duplicates and variants stay together.`,
          ]
        : []
    if (chosen.length === 0) return { trained: [...files], store: whole, heldOut: null, warnings }
    const apart = new Set(chosen)
    const trained = files.filter((_, index) => !apart.has(index))
    const held = files.filter((_, index) => apart.has(index))
    const { store, heldOut } = await splitStore(whole, chosen)
    const record = { heldOut: held, heldOutDigest: digestOf(held) }
    return { trained, record, store, heldOut, warnings }
  })
}

/**
 * Reads the pictures that `data` names. Rejects with DATA_NOT_FOUND, DATA_EMPTY, IMAGE_UNREADABLE where onUnreadable
 * is "fail", LICENSES_INVALID, LABELS_INVALID, DATA_TOO_FEW where holdout leaves none, OPTION_INVALID, OUT_OF_MEMORY,
 * ARCHIVE_INVALID, RESOURCE_SHORTAGE, ABORT_ERR; DISK_FULL, FILE_FAILED for pixels in a file.
 */
export async function loadDataset(options: DatasetOptions, hooks: DatasetHooks = {}): Promise<Dataset> {
  const { size, channels, background, fit, crop, maxPixels, labels: wanted = null } = options
  const own = options.takeOwn && { takeOwn: true as const }
  const settings = { size, channels, background, fit, crop, maxPixels, ...own }
  const { signal, onProgress, recorded, cacheFolder = pixelsFolder(), readOnly = false } = hooks
  const limitBytes = cacheLimit()
  if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  const source = await openSource(options.data, options.out)
  const licences =
    source.root === null
      ? null
      : await readLicences(
          source.root,
          source.items.map(({ path }) => path),
        )
  const found = wanted === null ? null : await readLabels(wanted, source, signal)
  /** What hears of `more` pictures done, of so many. */
  const counter = (phase: DataProgress['phase'], total: number) => {
    let done = 0
    return (more: number) => {
      done += more
      onProgress?.({ phase, done, total })
    }
  }
  const known = source.root === null ? null : await KnownFiles.open(cacheFolder, source.root, readOnly)
  const measured = await measureAll(source.items, known, {
    signal,
    onDone: counter('read', source.items.length),
  }).finally(() => known?.close())
  const { list, skipped: passedOver } = dropUnusable(measured, options)
  if (list.length === 0) throw empty(source, [...source.skipped, ...passedOver])
  const kind = storeKind(readOnly ? 'auto' : options.pixelStore, list.length * rowBytes(settings))
  const {
    outcomes,
    store: whole,
    warnings,
  } = await loadOrDecode(
    { list, settings, failOnBroken: options.onUnreadable === 'fail', kind, cacheFolder, limitBytes, readOnly },
    { signal, onDone: counter('decode', list.length) },
  )
  const { looked, files, thumbnails, broken } = toManifest(source, list, outcomes, licences)
  const skipped = [...source.skipped, ...passedOver, ...broken]
  if (files.length === 0) {
    await whole.close()
    throw empty(source, skipped)
  }
  const onCompared = counter('compare', files.length)
  const { duplicates, variants } = await groupAlike(thumbnails, whole, { signal, onDone: onCompared })
  markGroups(files, duplicates, 'group')
  markGroups(files, variants, 'variant')
  const {
    trained,
    record,
    store,
    heldOut,
    warnings: ofSplit,
  } = await split({ files, leaders: variants, store: whole }, options, recorded, source.isHeldOut)
  const { name: data } = source
  const labels = await withStore(store, () =>
    found && wanted !== null
      ? labelFiles({ trained, heldOut: record?.heldOut ?? [] }, found, wanted, classesOf(options))
      : unlabelled,
  )
  const ignored = withoutLabelFiles(source.ignored, labels.set)
  const about = { version: 1, data, count: trained.length, digest: digestOf(trained), settings } as const
  const manifest: Manifest = { ...about, files: trained, ...record, ...labels.record, skipped, ignored }
  const findings = findingsOf(looked, size)
  const said = warningsOf({ files, findings, skipped, ignored, size, unusedLicences: licences?.unused() ?? null })
  const all = [...said, ...warnings, ...ofSplit, ...labels.warnings]
  return { store, heldOut, manifest, labels: labels.set, findings, warnings: all }
}
