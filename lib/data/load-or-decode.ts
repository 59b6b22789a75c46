/** The pixels of a set: from the cache, or decoded and kept there; in memory, or in a file where they are too many. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { abortError, ShinsakuError } from '../errors.ts'
import { remove } from '../files/write.ts'
import { type PixelSettings, unreadable } from '../images/decode.ts'
import { decodeAll, type Hooks } from './decode.ts'
import { DecodeJournal, type Place } from './decode-journal.ts'
import { isBroken, type Measured, type Outcome } from './outcome.ts'
import { cachePath, openPixels, type StoreKind, storePixels } from './pixel-cache.ts'
import { MemoryPixelStore, type PixelStore, rowBytes } from './pixel-store.ts'

/** What is decoded, how, and where to. */
export type Wanted = {
  list: readonly Measured[]
  settings: PixelSettings
  /** A picture that cannot be decoded ends the call. */
  failOnBroken: boolean
  kind: StoreKind
  cacheFolder: string
}

export type LoadedPixels = { outcomes: readonly Outcome[]; store: PixelStore; warnings: string[] }

/**
 * `onDone` hears of decoded pictures only. Rejects with IMAGE_UNREADABLE, OUT_OF_MEMORY, ABORT_ERR; for pixels in a
 * file also with DISK_FULL and FILE_FAILED.
 */
export async function loadOrDecode(wanted: Wanted, hooks: Hooks): Promise<LoadedPixels> {
  const { list, settings, failOnBroken, kind, cacheFolder } = wanted
  const { signal } = hooks
  const path = await cachePath(cacheFolder, list, settings)
  const kept = await openPixels(path, settings, list.length, kind)
  try {
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
    if (kept && failOnBroken) throwFirstBroken(list, kept.outcomes)
  } catch (error) {
    await kept?.store.close()
    throw error
  }
  if (kept) return { ...kept, warnings: [] }
  const journal = await DecodeJournal.open(cacheFolder, settings)
  let whole = false
  try {
    const decoded = await (kind === 'file' ? decodeToFile : decodeToMemory)(wanted, path, journal, hooks)
    whole = decoded.whole
    return decoded
  } finally {
    await (whole ? journal.discard() : journal.keep())
  }
}

function throwFirstBroken(list: readonly Measured[], outcomes: readonly Outcome[]): void {
  for (const [index, outcome] of outcomes.entries()) {
    if (isBroken(outcome)) throw unreadable(list[index]!.item.path, outcome.reason)
  }
}

/** `whole`: the cache has all of it. */
type Decoded = LoadedPixels & { whole: boolean }

/** A cache that cannot be written gives a warning. */
async function decodeToMemory(
  { list, settings, failOnBroken, cacheFolder }: Wanted,
  path: string,
  journal: DecodeJournal,
  hooks: Hooks,
): Promise<Decoded> {
  const pixels = allocate(list.length, settings)
  const bytes = rowBytes(settings)
  const { outcomes, lasting } = await decodeAll(
    list,
    settings,
    failOnBroken,
    journal,
    (index, { pixels: row }) => pixels.set(row, index * bytes),
    hooks,
  )
  const rows = withoutGaps(outcomes, pixels, bytes)
  const warnings: string[] = []
  let whole = false
  if (lasting) {
    await storePixels(path, cacheFolder, { outcomes, rows }).then(
      () => {
        whole = true
      },
      (error: Error) => {
        warnings.push(`Decoded pictures could not be kept for the next start: ${error.message}.`)
      },
    )
  }
  return { outcomes, store: new MemoryPixelStore(rows, settings), warnings, whole }
}

function allocate(count: number, settings: PixelSettings): Uint8Array {
  const { size } = settings
  try {
    return new Uint8Array(count * rowBytes(settings))
  } catch (cause) {
    const message = `There is not enough memory for ${count} times ${size}x${size} pixels`
    throw new ShinsakuError('OUT_OF_MEMORY', message, {
      cause,
      hint: 'Keep them in a file: pixelStore: "file" (--pixel-store file). Or lower size, or give fewer pictures.',
    })
  }
}

/** The rows of pictures that could be decoded, moved together. */
function withoutGaps(outcomes: readonly Outcome[], pixels: Uint8Array, bytes: number): Uint8Array {
  let count = 0
  for (const [index, outcome] of outcomes.entries()) {
    if ('reason' in outcome) continue
    if (count < index) pixels.copyWithin(count * bytes, index * bytes, (index + 1) * bytes)
    count += 1
  }
  return pixels.subarray(0, count * bytes)
}

/**
 * Pictures go to the journal as they are decoded, in any order, and from there one by one to the file of the cache.
 * What must not last, because a file failed for another reason than its content, has a file of this start alone.
 */
async function decodeToFile(
  { list, settings, failOnBroken, cacheFolder }: Wanted,
  cached: string,
  journal: DecodeJournal,
  hooks: Hooks,
): Promise<Decoded> {
  const places = new Array<Place | null>(list.length)
  try {
    const { outcomes, lasting } = await decodeAll(
      list,
      settings,
      failOnBroken,
      journal,
      (index, _, place) => {
        journal.requireKept()
        places[index] = place
      },
      hooks,
    )
    const path = lasting ? cached : join(cacheFolder, `once-${randomUUID()}.partial`)
    await storePixels(path, cacheFolder, { outcomes, rows: readRows(outcomes, places, journal, hooks.signal) })
    const stored = await openPixels(path, settings, list.length, 'file')
    if (!stored) throw new ShinsakuError('FILE_FAILED', `${path} does not hold what was just written there`)
    // An open file stays readable without its name.
    if (!lasting) await remove(path)
    return { ...stored, warnings: [], whole: lasting }
  } catch (error) {
    throw withStoreHint(error, cacheFolder)
  }
}

async function* readRows(
  outcomes: readonly Outcome[],
  places: readonly (Place | null)[],
  journal: DecodeJournal,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const [index, outcome] of outcomes.entries()) {
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
    if (!('reason' in outcome)) yield journal.read(places[index]!)
  }
}

function withStoreHint(error: unknown, folder: string): unknown {
  if (!(error instanceof ShinsakuError) || !(error.code === 'DISK_FULL' || error.code === 'FILE_FAILED')) return error
  const { code, message, details } = error
  const hint = `Decoded pictures are kept in ${folder}: set SHINSAKU_CACHE to a folder that has room for them, or pixelStore: "memory" (--pixel-store memory).`
  return new ShinsakuError(code, message, { cause: error, hint, details })
}
