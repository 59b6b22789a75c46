/** Takes back lines of metrics.jsonl that a resumed run will write again. */
import { ShinsakuError } from '../errors.ts'
import { readWhole } from '../files/read.ts'
import { writeDurable } from '../files/write.ts'

const NEWLINE = 0x0a
const OPEN_BRACE = 0x7b
/** Days of training at a line a second have less. */
const MAX_BYTES = 2 ** 28
/** A line of metrics has a few hundred bytes; what is longer is none. */
const MAX_LINE_BYTES = 2 ** 16

/** Where a line belongs; undefined for what is no line of metrics. */
export function imagesOf(line: Uint8Array): number | undefined {
  // What cannot be an object is not worth an error: there may be millions of such lines.
  if (line[0] !== OPEN_BRACE || line.length > MAX_LINE_BYTES) return undefined
  try {
    const images = (JSON.parse(Buffer.from(line).toString()) as { images?: unknown } | null)?.images
    return typeof images === 'number' ? images : undefined
  } catch {
    return undefined
  }
}

/** Lines one at a time, as ranges: `end` is behind the line's end, which the last one may lack. */
export function* linesIn(bytes: Uint8Array): Generator<{ begin: number; end: number; whole: boolean }> {
  for (let begin = 0, end: number; begin < bytes.length; begin = end) {
    const newline = bytes.indexOf(NEWLINE, begin)
    end = newline < 0 ? bytes.length : newline + 1
    yield { begin, end, whole: newline >= 0 }
  }
}

/** All of a file of lines. Throws FILE_FAILED. */
export const readLines = (path: string): Promise<Uint8Array> => readWhole(path, MAX_BYTES)

/** The same; undefined where there is no such file. */
export async function readLinesIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readLines(path)
  } catch (error) {
    const cause = error instanceof ShinsakuError ? (error.cause as NodeJS.ErrnoException) : undefined
    if (cause?.code === 'ENOENT') return undefined
    throw error
  }
}

/** Keeps the lines up to `images`; drops later ones, and what is no line of metrics. Resolves with the number dropped. */
export async function truncateMetrics(path: string, images: number): Promise<number> {
  const bytes = await readLinesIfThere(path)
  if (!bytes) return 0
  let dropped = 0
  let kept = 0
  // Kept lines move to the front of the bytes that were read, so that no second copy is needed.
  for (const { begin, end, whole } of linesIn(bytes)) {
    // A last line without its end was cut short.
    const at = whole ? imagesOf(bytes.subarray(begin, end - 1)) : undefined
    if (at !== undefined && at <= images) {
      bytes.copyWithin(kept, begin, end)
      kept += end - begin
    } else if (end - begin > 1) dropped += 1
  }
  if (kept < bytes.length) await writeDurable(path, bytes.subarray(0, kept))
  return dropped
}
