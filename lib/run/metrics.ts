/** Takes back lines of metrics.jsonl that a resumed run will write again. */
import { ShinsakuError } from '../errors.ts'
import { readWhole } from '../files/read.ts'
import { writeDurable } from '../files/write.ts'

const NEWLINE = 0x0a
/** Days of training at a line a second have less. */
const MOST_BYTES = 2 ** 28
/** A line of metrics has a few hundred bytes; what is longer is none. */
const MOST_LINE_BYTES = 2 ** 16

/** Where a line belongs; infinity for what is no line of metrics. */
function imagesOf(line: Uint8Array): number {
  if (line.length > MOST_LINE_BYTES) return Number.POSITIVE_INFINITY
  try {
    const images = (JSON.parse(Buffer.from(line).toString()) as { images?: unknown } | null)?.images
    return typeof images === 'number' ? images : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

async function readOptional(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(path, MOST_BYTES)
  } catch (error) {
    const cause = error instanceof ShinsakuError ? (error.cause as NodeJS.ErrnoException) : undefined
    if (cause?.code === 'ENOENT') return undefined
    throw error
  }
}

/** Keeps the lines up to `images`; drops later ones, and what is no line of metrics. Resolves with the number dropped. */
export async function truncateMetrics(path: string, images: number): Promise<number> {
  const bytes = await readOptional(path)
  if (!bytes) return 0
  let dropped = 0
  let kept = 0
  // Kept lines move to the front of the bytes that were read, so that no second copy is needed.
  for (let begin = 0; begin < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, begin)
    const end = newline < 0 ? bytes.length : newline + 1
    // A last line without its end was cut short.
    if (newline >= 0 && imagesOf(bytes.subarray(begin, newline)) <= images) {
      bytes.copyWithin(kept, begin, end)
      kept += end - begin
    } else if (end - begin > 1) dropped += 1
    begin = end
  }
  if (kept < bytes.length) await writeDurable(path, bytes.subarray(0, kept))
  return dropped
}
