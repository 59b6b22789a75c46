/** From items to bytes: each file measured, each picture decoded into its place. */
import { subtle } from 'node:crypto'
import { getSystemErrorMap } from 'node:util'
import { ShinsakuError } from '../errors.ts'
import { decodePicture, type PixelSettings, readBytes, renderSvg, unreadable } from '../image.ts'
import { forEachIndex } from './pool.ts'

/** One picture before it is decoded: a file, or a drawing of our own. `path` names it in the manifest. */
export type Item = { path: string } & ({ file: string } | { draw: () => string })

/** An item whose content is known. */
export type Measured = { item: Item; bytes: number; sha256: string }

/** What decoding found out about one item: its picture's file, or why it has none. */
export type Outcome = { width: number; height: number; format: string; optOut: boolean } | { reason: string }

/** Pixels of the items that could be decoded, in order, without gaps. */
export type Decoded = { outcomes: Outcome[]; pixels: Uint8Array }

export type Hooks = { signal?: AbortSignal | undefined; onDone?: (() => void) | undefined }

/** Off the main thread, so a large picture does not block it. */
const sha256 = async (bytes: Uint8Array<ArrayBuffer>) =>
  Buffer.from(await subtle.digest('SHA-256', bytes)).toString('hex')

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
    onDone?.()
  })
  return measured
}

async function decodeItem({ item, sha256: expected }: Measured, settings: PixelSettings) {
  if ('draw' in item) {
    const pixels = await renderSvg(item.draw(), settings)
    return { pixels, width: settings.size, height: settings.size, format: 'svg', optOut: false }
  }
  const bytes = await readBytes(item.file)
  if ((await sha256(bytes)) !== expected)
    throw new ShinsakuError('FILE_FAILED', `${item.path} changed`, {
      cause: new Error('it changed while the data was read'),
    })
  return decodePicture(bytes, item.path, settings)
}

function allocate(count: number, settings: PixelSettings): Uint8Array {
  const { size, channels } = settings
  try {
    return new Uint8Array(count * size * size * channels)
  } catch (cause) {
    const message = `There is not enough memory for ${count} times ${size}x${size} pixels`
    throw new ShinsakuError('OUT_OF_MEMORY', message, { cause, hint: 'Lower size, or give fewer pictures.' })
  }
}

/**
 * Decodes every item. With `failOnBroken` the first broken one in order rejects with IMAGE_UNREADABLE. `lasting` is
 * false where a file failed for a reason that is not in its content.
 */
export async function decodeAll(
  list: readonly Measured[],
  settings: PixelSettings,
  failOnBroken: boolean,
  { signal, onDone }: Hooks,
): Promise<Decoded & { lasting: boolean }> {
  const pixels = allocate(list.length, settings)
  const pictureBytes = settings.size * settings.size * settings.channels
  const outcomes = new Array<Outcome>(list.length)
  let lasting = true
  await forEachIndex(list.length, signal, async (index) => {
    try {
      const { pixels: picture, ...outcome } = await decodeItem(list[index]!, settings)
      pixels.set(picture, index * pictureBytes)
      outcomes[index] = outcome
    } catch (error) {
      const broken = asUnreadable(list[index]!.item.path, error)
      if (failOnBroken) throw broken
      if ((error as ShinsakuError).code === 'FILE_FAILED') lasting = false
      outcomes[index] = { reason: broken.details.reason as string }
    }
    onDone?.()
  })
  let count = 0
  for (const [index, outcome] of outcomes.entries()) {
    if ('reason' in outcome) continue
    if (count < index) pixels.copyWithin(count * pictureBytes, index * pictureBytes, (index + 1) * pictureBytes)
    count += 1
  }
  return { outcomes, pixels: pixels.subarray(0, count * pictureBytes), lasting }
}
