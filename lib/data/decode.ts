/** From items to bytes: each file measured, each picture decoded. */
import { getSystemErrorMap } from 'node:util'
import { ShinsakuError } from '../errors.ts'
import { isDenied, withPatience } from '../files/shortage.ts'
import { type DecodedPicture, decodePicture, type PixelSettings, readBytes, renderSvg } from '../images/decode.ts'
import { measuresOf } from '../images/measures.ts'
import { unreadable } from '../images/refusal.ts'
import { thumbnailOf } from '../images/thumbnail.ts'
import type { DecodeJournal, RecordPlace } from './decode-journal.ts'
import { digest } from './digest.ts'
import type { KnownFiles } from './known-files.ts'
import type { OtherSets, RowPlace } from './other-sets.ts'
import { type Decoding, type Filed, type Item, isBroken, type Measured } from './outcome.ts'
import { OutcomeTable } from './outcome-table.ts'
import { forEachPatiently } from './pool.ts'

/** `onDone` hears how many more are done. */
export type Hooks = { signal?: AbortSignal | undefined; onDone?: ((count: number) => void) | undefined }

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => (await digest(bytes)).toString('hex')

/** The failure as one of this picture, under its name in the manifest; other failures are thrown. */
export function asUnreadable(path: string, error: unknown): ShinsakuError {
  if (error instanceof ShinsakuError && error.code === 'IMAGE_UNREADABLE')
    return unreadable(path, error.details.reason as string, error.cause)
  if (!(error instanceof ShinsakuError) || error.code !== 'FILE_FAILED') throw error
  const cause = error.cause as NodeJS.ErrnoException
  return unreadable(path, getSystemErrorMap().get(cause.errno ?? 0)?.[1] ?? cause.message, cause)
}

const readFile = ({ file, member }: Filed, signal: AbortSignal | undefined) =>
  withPatience(file, () => readBytes(file, member), signal)

const contentOf = async (item: Item, signal: AbortSignal | undefined) =>
  'draw' in item ? Uint8Array.from(Buffer.from(item.draw())) : readFile(item, signal)

/** Length and SHA-256 of every item, or its IMAGE_UNREADABLE error, in order. What is in `known` is not read. */
export async function measureAll(
  items: readonly Item[],
  known: KnownFiles | null,
  { signal, onDone }: Hooks,
): Promise<(Measured | ShinsakuError)[]> {
  const measured = new Array<Measured | ShinsakuError>(items.length)
  const readContent = async (item: Item, key: string | null) => {
    const content = await contentOf(item, signal)
    const found = { bytes: content.length, sha256: await sha256(content) }
    await known?.add(key, found)
    return found
  }
  await forEachPatiently(items.length, signal, async (index, last) => {
    const item = items[index]!
    try {
      const key = known && 'file' in item ? await known.keyOf(item) : null
      measured[index] = { item, ...(known?.get(key) ?? (await readContent(item, key))) }
    } catch (error) {
      if (isDenied(error) && !last) return 'later'
      measured[index] = asUnreadable(item.path, error)
    }
    onDone?.(1)
  })
  return measured
}

/** What became of an item. `lasting` is false where a file failed for a reason that is not in its content. */
type Tried = Decoding & { lasting: boolean }

async function pictureOf(
  { item, sha256: expected }: Measured,
  settings: PixelSettings,
  signal: AbortSignal | undefined,
): Promise<DecodedPicture> {
  if ('draw' in item) {
    const { size } = settings
    return { pixels: await renderSvg(item.draw(), settings), width: size, height: size, format: 'svg', optOut: false }
  }
  const bytes = await readFile(item, signal)
  if ((await sha256(bytes)) !== expected)
    throw new ShinsakuError('FILE_FAILED', `${item.path} changed`, {
      cause: new Error('it changed while the data was read'),
    })
  return decodePicture(bytes, item.path, settings)
}

async function decodeItem(item: Measured, settings: PixelSettings, signal: AbortSignal | undefined): Promise<Tried> {
  const { pixels, ...found } = await pictureOf(item, settings, signal)
  const thumbnail = Buffer.from(thumbnailOf(pixels, settings)).toString('base64')
  return { outcome: { ...found, thumbnail, measures: measuresOf(pixels, settings) }, pixels, lasting: true }
}

/** A failure that is one of this picture; others, and with `failOnBroken` those of pictures that are not ours, are thrown. */
function asBroken(path: string, error: unknown, failOnBroken: boolean): Tried {
  const broken = asUnreadable(path, error)
  const { reason, own } = broken.details as { reason: string; own?: true }
  if (failOnBroken && !own) throw broken
  const outcome = own ? { reason, own } : { reason }
  return { outcome, pixels: new Uint8Array(0), lasting: (error as ShinsakuError).code !== 'FILE_FAILED' }
}

/** Where the pixels of a picture are kept meanwhile. */
export type Place = RecordPlace | RowPlace

/** What was decoded before, and what keeps what is decoded now. */
export type Known = { sets: OtherSets; journal: DecodeJournal }

/** Takes a picture into the set; a failure of it ends the call. */
export type Keep = (index: number, decoding: Decoding, place: Place | null) => void

/**
 * Decodes every item that is not known yet, and keeps it in the journal. With `failOnBroken` the first broken one in
 * order rejects with IMAGE_UNREADABLE. `lasting` is false where a file failed for a reason that is not in its content.
 */
export async function decodeAll(
  list: readonly Measured[],
  settings: PixelSettings,
  failOnBroken: boolean,
  { sets, journal }: Known,
  keep: Keep,
  { signal, onDone }: Hooks,
): Promise<{ outcomes: OutcomeTable; lasting: boolean }> {
  const outcomes = OutcomeTable.of(list)
  const { contents } = outcomes
  let lasting = true
  let recalled = 0
  const take = (index: number, decoding: Decoding, place: Place) => {
    // A broken one is decoded again where it ends the call, so that the first in order does.
    if (outcomes.isKnown(index) || (failOnBroken && isBroken(decoding.outcome))) return
    keep(index, decoding, place)
    outcomes.set(index, decoding.outcome)
    recalled += 1
  }
  await sets.recall(contents, take)
  await journal.recall(contents, take)
  if (recalled > 0) onDone?.(recalled)
  await forEachPatiently(list.length, signal, async (index, last) => {
    if (outcomes.isKnown(index)) return
    const tried = await decodeItem(list[index]!, settings, signal).catch((error) => {
      if (isDenied(error) && !last) return undefined
      return asBroken(list[index]!.item.path, error, failOnBroken)
    })
    if (tried === undefined) return 'later'
    const place = tried.lasting ? await journal.add(contents[index]!, tried) : null
    lasting &&= tried.lasting
    keep(index, tried, place)
    outcomes.set(index, tried.outcome)
    onDone?.(1)
  })
  return { outcomes, lasting }
}
