/** What decoding makes of one item, in memory and in the cache. */
import type { Part } from '../files/read.ts'
import { isMeasures, type Measures } from '../images/measures.ts'
import { THUMBNAIL_BYTES } from '../images/thumbnail.ts'

/** A member of an archive: where its bytes are, and those of texts beside it, by their extension; `name` is its path there. */
export type Member = Part & { name: string; beside: Readonly<Record<string, Part>> }

/** A picture that is a file, or in one. */
export type Filed = { file: string; member?: Member }

/** One picture before it is decoded: a file, or a drawing of our own. `path` names it in the manifest. */
export type Item = { path: string } & (Filed | { draw: () => string })

/** An item whose content is known. */
export type Measured = { item: Item; bytes: number; sha256: string }

/** What decoding found out about a picture, and about its pixels; `thumbnail` is in base64. */
export type Seen = {
  width: number
  height: number
  format: string
  optOut: boolean
  thumbnail: string
  transparent?: true
  measures: Measures
}

/** What decoding came to: what it found out about the picture, or why there is none; `own`: this package made it. */
export type Outcome = Seen | { reason: string; own?: true }

/** An outcome with its pixels, `[size, size, channels]`; none where there is a reason. */
export type Decoding = { outcome: Outcome; pixels: Uint8Array }

/** Equal for items that decode to equal pixels. A drawing and a file of equal bytes are not treated alike. */
export const contentKey = ({ item, sha256 }: Measured): string => ('draw' in item ? `draw ${sha256}` : sha256)

/** For each content the indices of the items that have it. */
export function indicesOf(contents: readonly string[]): Map<string, number[]> {
  const indices = new Map<string, number[]>()
  for (const [index, content] of contents.entries()) {
    const same = indices.get(content)
    if (same) same.push(index)
    else indices.set(content, [index])
  }
  return indices
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0

/** The cache is the user's own, but another program may have written it: its hashes say only that it is whole. */
export function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null) return false
  const { reason, own, width, height, format, optOut, thumbnail, measures, transparent } = value as Record<
    string,
    unknown
  >
  if (reason !== undefined) return typeof reason === 'string' && (own === undefined || own === true)
  if (!isWhole(width) || !isWhole(height) || typeof format !== 'string' || typeof optOut !== 'boolean') return false
  if (transparent !== undefined && transparent !== true) return false
  if (typeof thumbnail !== 'string' || Buffer.byteLength(thumbnail, 'base64') !== THUMBNAIL_BYTES) return false
  return isMeasures(measures)
}

/** Whether the file is at fault that there is no picture. */
export const isBroken = (outcome: Outcome): outcome is { reason: string } =>
  'reason' in outcome && outcome.own === undefined
