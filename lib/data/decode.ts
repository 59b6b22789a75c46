/** From items to bytes: each file measured, each picture decoded. */
import { getSystemErrorMap } from 'node:util'
import { ShinsakuError } from '../errors.ts'
import { decodePicture, type PixelSettings, readBytes, renderSvg, unreadable } from '../images/decode.ts'
import type { DecodeJournal, Place } from './decode-journal.ts'
import { digest } from './digest.ts'
import type { Decoding, Item, Measured, Outcome } from './outcome.ts'
import { forEachIndex } from './pool.ts'

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

const contentOf = async (item: Item) =>
  'draw' in item ? Uint8Array.from(Buffer.from(item.draw())) : readBytes(item.file)

/** Length and SHA-256 of every item, or its IMAGE_UNREADABLE error, in order. */
export async function measureAll(
  items: readonly Item[],
  { signal, onDone }: Hooks,
): Promise<(Measured | ShinsakuError)[]> {
  const measured = new Array<Measured | ShinsakuError>(items.length)
  await forEachIndex(items.length, signal, async (index) => {
    const item = items[index]!
    try {
      const content = await contentOf(item)
      measured[index] = { item, bytes: content.length, sha256: await sha256(content) }
    } catch (error) {
      measured[index] = asUnreadable(item.path, error)
    }
    onDone?.(1)
  })
  return measured
}

async function decodeItem({ item, sha256: expected }: Measured, settings: PixelSettings): Promise<Decoding> {
  if ('draw' in item) {
    const pixels = await renderSvg(item.draw(), settings)
    return { outcome: { width: settings.size, height: settings.size, format: 'svg', optOut: false }, pixels }
  }
  const bytes = await readBytes(item.file)
  if ((await sha256(bytes)) !== expected)
    throw new ShinsakuError('FILE_FAILED', `${item.path} changed`, {
      cause: new Error('it changed while the data was read'),
    })
  const { pixels, ...outcome } = await decodePicture(bytes, item.path, settings)
  return { outcome, pixels }
}

/** What decoding an item came to. `lasting` is false where a file failed for a reason that is not in its content. */
async function tryItem(measured: Measured, settings: PixelSettings, failOnBroken: boolean) {
  try {
    return { ...(await decodeItem(measured, settings)), lasting: true }
  } catch (error) {
    const broken = asUnreadable(measured.item.path, error)
    if (failOnBroken) throw broken
    const outcome = { reason: broken.details.reason as string }
    return { outcome, pixels: new Uint8Array(0), lasting: (error as ShinsakuError).code !== 'FILE_FAILED' }
  }
}

/** Takes a picture into the set; a failure of it ends the call. */
export type Keep = (index: number, decoding: Decoding, place: Place | null) => void

/**
 * Decodes every item that is not in `journal` yet, and keeps it there. With `failOnBroken` the first broken one in
 * order rejects with IMAGE_UNREADABLE. `lasting` is false where a file failed for a reason that is not in its content.
 */
export async function decodeAll(
  list: readonly Measured[],
  settings: PixelSettings,
  failOnBroken: boolean,
  journal: DecodeJournal,
  keep: Keep,
  { signal, onDone }: Hooks,
): Promise<{ outcomes: Outcome[]; lasting: boolean }> {
  const outcomes = new Array<Outcome | undefined>(list.length)
  let lasting = true
  let recalled = 0
  await journal.recall(list, (index, decoding, place) => {
    // A broken one is decoded again where it ends the call, so that the first in order does.
    if (failOnBroken && 'reason' in decoding.outcome) return
    keep(index, decoding, place)
    outcomes[index] = decoding.outcome
    recalled += 1
  })
  if (recalled > 0) onDone?.(recalled)
  await forEachIndex(list.length, signal, async (index) => {
    if (outcomes[index]) return
    const decoding = await tryItem(list[index]!, settings, failOnBroken)
    const place = decoding.lasting ? await journal.add(list[index]!, decoding) : null
    lasting &&= decoding.lasting
    keep(index, decoding, place)
    outcomes[index] = decoding.outcome
    onDone?.(1)
  })
  return { outcomes: outcomes as Outcome[], lasting }
}
