/** The pixels of a set: from the cache, or decoded and kept there; in memory, or in a file where they are too many. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { abortError, ShinsakuError } from '../errors.ts'
import type { PixelSettings } from '../images/decode.ts'
import { unreadable } from '../images/refusal.ts'
import { keepWithin, removeSet } from './cache-folder.ts'
import { decodeAll, type Hooks, type Known, type Place } from './decode.ts'
import { DecodeJournal } from './decode-journal.ts'
import { OtherSets } from './other-sets.ts'
import { contentKey, isBroken, type Measured } from './outcome.ts'
import type { OutcomeTable } from './outcome-table.ts'
import { cachePath, EXTENSION, openPixels, type StoreKind, storePixels } from './pixel-cache.ts'
import { MemoryPixelStore, type PixelStore, rowBytes, UnkeptPixelStore } from './pixel-store.ts'

/** What is decoded, how, and where to. */
export type Wanted = {
  list: readonly Measured[]
  settings: PixelSettings
  /** A picture that cannot be decoded ends the call. */
  failOnBroken: boolean
  kind: StoreKind
  cacheFolder: string
  /** What the cache may hold beside this set. */
  limitBytes: number
  /** Nothing is written: pixels of kind "file" are not kept anywhere. */
  readOnly: boolean
}

export type LoadedPixels = { outcomes: OutcomeTable; store: PixelStore; warnings: string[] }

/**
 * `onDone` hears of decoded pictures only. Rejects with IMAGE_UNREADABLE, OUT_OF_MEMORY, ABORT_ERR; for pixels in a
 * file also with DISK_FULL and FILE_FAILED.
 */
export async function loadOrDecode(wanted: Wanted, hooks: Hooks): Promise<LoadedPixels> {
  const { list, settings, failOnBroken, cacheFolder, limitBytes, readOnly } = wanted
  const { signal } = hooks
  const path = await cachePath(cacheFolder, list.map(contentKey), settings)
  const kept = await openStored(path, wanted)
  try {
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
    if (kept && failOnBroken) throwFirstBroken(list, kept.outcomes)
  } catch (error) {
    await kept?.store.close()
    throw error
  }
  const loaded = kept ?? (await decode(wanted, path, hooks))
  if (!readOnly) await keepWithin(cacheFolder, path, limitBytes)
  return loaded
}

async function openStored(
  path: string,
  { list, settings, kind }: Pick<Wanted, 'list' | 'settings' | 'kind'>,
): Promise<LoadedPixels | null> {
  const stored = await openPixels(path, settings, kind)
  if (!stored) return null
  const { outcomes, store } = stored
  if (outcomes.count === list.length && list.every((one, i) => outcomes.contentAt(i) === contentKey(one)))
    return { outcomes, store, warnings: [] }
  await store.close()
  return null
}

async function decode(wanted: Wanted, path: string, hooks: Hooks): Promise<LoadedPixels> {
  const { settings, kind, cacheFolder, readOnly } = wanted
  const sets = new OtherSets(cacheFolder, settings)
  const journal = await DecodeJournal.open(cacheFolder, settings, readOnly)
  const target = kind === 'memory' ? decodeToMemory : readOnly ? decodeToNothing : decodeToFile
  let whole = false
  try {
    const decoded = await target(wanted, path, { sets, journal }, hooks)
    whole = decoded.whole
    if (whole) await sets.removeContained()
    return decoded
  } finally {
    await sets.close()
    await (whole ? journal.discard() : journal.keep())
  }
}

function throwFirstBroken(list: readonly Measured[], outcomes: OutcomeTable): void {
  for (const index of list.keys()) {
    const outcome = outcomes.get(index)
    if (isBroken(outcome)) throw unreadable(list[index]!.item.path, outcome.reason)
  }
}

/** `whole`: the cache has all of it. */
type Decoded = LoadedPixels & { whole: boolean }

/** A cache that cannot be written gives a warning. */
async function decodeToMemory(
  { list, settings, failOnBroken, cacheFolder, readOnly }: Wanted,
  path: string,
  known: Known,
  hooks: Hooks,
): Promise<Decoded> {
  const pixels = allocate(list.length, settings)
  const bytes = rowBytes(settings)
  const { outcomes, lasting } = await decodeAll(
    list,
    settings,
    failOnBroken,
    known,
    (index, { pixels: row }) => pixels.set(row, index * bytes),
    hooks,
  )
  const rows = withoutGaps(outcomes, pixels, bytes)
  const warnings: string[] = []
  let whole = false
  if (lasting && !readOnly) {
    await storePixels(path, cacheFolder, settings, { outcomes, rows }).then(
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

/** For whoever wants to know of the pictures only: their pixels would be a file. */
async function decodeToNothing(
  { list, settings, failOnBroken }: Wanted,
  _path: string,
  known: Known,
  hooks: Hooks,
): Promise<Decoded> {
  const { outcomes } = await decodeAll(list, settings, failOnBroken, known, () => {}, hooks)
  return { outcomes, store: new UnkeptPixelStore(outcomes.rows, settings), warnings: [], whole: false }
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
function withoutGaps(outcomes: OutcomeTable, pixels: Uint8Array, bytes: number): Uint8Array {
  let count = 0
  for (let index = 0; index < outcomes.count; index++) {
    if (!outcomes.hasPixels(index)) continue
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
  known: Known,
  hooks: Hooks,
): Promise<Decoded> {
  const places = new Array<Place | null>(list.length)
  try {
    const { outcomes, lasting } = await decodeAll(
      list,
      settings,
      failOnBroken,
      known,
      (index, _, place) => {
        known.journal.requireKept()
        places[index] = place
      },
      hooks,
    )
    const path = lasting ? cached : join(cacheFolder, `once-${randomUUID()}${EXTENSION}`)
    const rows = readRows(outcomes, places, known.journal, hooks.signal)
    await storePixels(path, cacheFolder, settings, { outcomes, rows })
    const stored = await openStored(path, { list, settings, kind: 'file' })
    if (!stored) throw new ShinsakuError('FILE_FAILED', `${path} does not hold what was just written there`)
    // Open files stay readable without their names.
    if (!lasting) await removeSet(path)
    return { ...stored, whole: lasting }
  } catch (error) {
    throw withStoreHint(error, cacheFolder)
  }
}

async function* readRows(
  outcomes: OutcomeTable,
  places: readonly (Place | null)[],
  journal: DecodeJournal,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const [index, place] of places.entries()) {
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
    if (!outcomes.hasPixels(index) || !place) continue
    yield 'row' in place ? await place.store.read([place.row]) : await journal.read(place)
  }
}

function withStoreHint(error: unknown, folder: string): unknown {
  if (!(error instanceof ShinsakuError) || !(error.code === 'DISK_FULL' || error.code === 'FILE_FAILED')) return error
  const { code, message, details } = error
  const hint = `Decoded pictures are kept in ${folder}: set SHINSAKU_CACHE to a folder that has room for them, or pixelStore: "memory" (--pixel-store memory).`
  return new ShinsakuError(code, message, { cause: error, hint, details })
}
