/** The data of a run: pictures found, decoded once, described, ready as one block of pixels. */
import { join } from 'node:path'
import { abortError, ShinsakuError } from '../errors.ts'
import { type PixelSettings, unreadable } from '../images/images.ts'
import type { ResolvedTrainOptions } from '../options/resolve.ts'
import { userCacheFolder } from '../system/cache.ts'
import { type Decoded, decodeAll, measureAll } from './decode.ts'
import { DecodeJournal } from './decode-journal.ts'
import { type Licences, readLicences } from './licences.ts'
import { digestOf, type Manifest, type ManifestFile, type Skipped } from './manifest.ts'
import type { Measured, Outcome } from './outcome.ts'
import { cachePath, loadPixels, storePixels } from './pixel-cache.ts'
import { openSource, type Source } from './source.ts'
import { describeIgnored, describeSkipped, warningsOf } from './warnings.ts'

export type { Manifest, ManifestFile } from './manifest.ts'

/** The options that decide what the pixels are. */
export type DatasetOptions = PixelSettings & Pick<ResolvedTrainOptions, 'data' | 'onUnreadable' | 'duplicates'>

/** How far reading the pictures has come. */
export type DataProgress = {
  /**
   * "read": every file is read to know its content; "decode": new ones are decoded. Those that an interrupted start
   * has decoded already are done at once.
   */
  phase: 'read' | 'decode'
  done: number
  total: number
}

export type DatasetHooks = {
  signal?: AbortSignal
  /** Called after each picture of each phase, and once for all that need no decoding. */
  onProgress?: (progress: DataProgress) => void
  /** Where decoded pixels are kept; `pixels` in the user's cache folder by default. */
  cacheFolder?: string
}

export type Dataset = {
  /** uint8, `[count, size, size, channels]`, in the order of `manifest.files`. */
  pixels: Uint8Array
  count: number
  size: number
  channels: number
  manifest: Manifest
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

function empty(source: Source, skipped: readonly Skipped[]): ShinsakuError {
  const found = [
    skipped.length > 0 ? `not usable: ${describeSkipped(skipped)}` : undefined,
    describeIgnored(source.ignored),
  ].filter((part) => part !== undefined)
  const what = found.length === 0 ? 'it is empty' : `it has ${found.join('; ')}`
  return new ShinsakuError('DATA_EMPTY', `There is no usable picture in ${source.name}: ${what}`, {
    hint: 'Give JPEG, PNG, WebP, AVIF, GIF or TIFF files, or "builtin:icons" for drawn ones.',
    details: { skipped, ignored: source.ignored },
  })
}

function throwFirstBroken(list: readonly Measured[], outcomes: readonly Outcome[]): void {
  for (const [index, outcome] of outcomes.entries()) {
    if ('reason' in outcome) throw unreadable(list[index]!.item.path, outcome.reason)
  }
}

/** Pixels from the cache, or decoded and then kept there. A cache that cannot be written gives a warning. */
async function loadOrDecode(
  list: readonly Measured[],
  settings: PixelSettings,
  failOnBroken: boolean,
  { signal, onProgress, cacheFolder = join(userCacheFolder(), 'pixels') }: DatasetHooks,
): Promise<Decoded & { warnings: string[] }> {
  const path = await cachePath(cacheFolder, list, settings)
  const kept = await loadPixels(path, settings, list.length)
  if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  if (kept) {
    if (failOnBroken) throwFirstBroken(list, kept.outcomes)
    return { ...kept, warnings: [] }
  }
  let done = 0
  const onDone = (more: number) => {
    done += more
    onProgress?.({ phase: 'decode', done, total: list.length })
  }
  const partial = await DecodeJournal.open(cacheFolder, settings)
  let whole = false
  try {
    const { lasting, ...decoded } = await decodeAll(list, settings, failOnBroken, partial, { signal, onDone })
    const warnings: string[] = []
    if (lasting) {
      await storePixels(path, cacheFolder, decoded).then(
        () => {
          whole = true
        },
        (error: unknown) => {
          warnings.push(`Decoded pictures could not be kept for the next start: ${(error as Error).message}.`)
        },
      )
    }
    return { ...decoded, warnings }
  } finally {
    await (whole ? partial.discard() : partial.keep())
  }
}

/** Splits what was decoded into the manifest's files and those that failed. */
function toManifest(
  source: Source,
  list: readonly Measured[],
  outcomes: readonly Outcome[],
  licences: Licences | null,
) {
  const files: ManifestFile[] = []
  const broken: Skipped[] = []
  for (const [index, outcome] of outcomes.entries()) {
    const { item, bytes, sha256 } = list[index]!
    const { path } = item
    if ('reason' in outcome) {
      broken.push({ path, reason: outcome.reason })
      continue
    }
    const row = licences?.of(path)
    const { licence, author, source: from } = row ?? source.rights
    const optOut = outcome.optOut || row?.optOut === true
    files.push({ path, sha256, bytes, ...outcome, licence, author, source: from, optOut })
  }
  return { files, broken }
}

/**
 * Reads the pictures that `data` names. Rejects with DATA_NOT_FOUND, DATA_EMPTY, IMAGE_UNREADABLE where onUnreadable
 * is "fail", LICENSES_INVALID, OPTION_INVALID, OUT_OF_MEMORY, ABORT_ERR.
 */
export async function loadDataset(options: DatasetOptions, hooks: DatasetHooks = {}): Promise<Dataset> {
  const { size, channels, background, fit, crop, maxPixels } = options
  const settings = { size, channels, background, fit, crop, maxPixels }
  const { signal, onProgress } = hooks
  if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  const source = await openSource(options.data)
  const licences =
    source.root === null
      ? null
      : await readLicences(
          source.root,
          source.items.map(({ path }) => path),
        )
  let done = 0
  const onDone = (more: number) => {
    done += more
    onProgress?.({ phase: 'read', done, total: source.items.length })
  }
  const { list, skipped: passedOver } = dropUnusable(await measureAll(source.items, { signal, onDone }), options)
  if (list.length === 0) throw empty(source, [...source.skipped, ...passedOver])
  const { outcomes, pixels, warnings } = await loadOrDecode(list, settings, options.onUnreadable === 'fail', hooks)
  const { files, broken } = toManifest(source, list, outcomes, licences)
  const skipped = [...source.skipped, ...passedOver, ...broken]
  if (files.length === 0) throw empty(source, skipped)
  const { name: data, ignored } = source
  const count = files.length
  const manifest: Manifest = { version: 1, data, count, digest: digestOf(files), settings, files, skipped, ignored }
  const findings = { files, skipped, ignored, size, unusedLicences: licences?.unused() ?? null }
  return { pixels, count, size, channels, manifest, warnings: [...warningsOf(findings), ...warnings] }
}
