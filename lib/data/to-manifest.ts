/** From what decoding found out to the entries of dataset.json. */
import { THUMBNAIL_BYTES } from '../images/thumbnail.ts'
import type { Looked } from './findings.ts'
import type { Licences } from './licences.ts'
import type { ManifestFile, Skipped } from './manifest.ts'
import type { Measured } from './outcome.ts'
import type { OutcomeTable } from './outcome-table.ts'
import type { Source } from './source.ts'

/** Splits what was decoded into the manifest's files, with what was measured of each, and those that failed. */
export function toManifest(
  source: Source,
  list: readonly Measured[],
  outcomes: OutcomeTable,
  licences: Licences | null,
) {
  const looked: Looked[] = []
  const thumbnails = Buffer.alloc(outcomes.rows * THUMBNAIL_BYTES)
  const broken: Skipped[] = []
  for (const [index, { item, bytes, sha256 }] of list.entries()) {
    const outcome = outcomes.get(index)
    const { path } = item
    if ('reason' in outcome) {
      broken.push({ path, reason: outcome.reason })
      continue
    }
    const row = licences?.of(path)
    const { licence, author, source: from } = row ?? source.rights
    const { thumbnail, measures, ...seen } = outcome
    const optOut = seen.optOut || row?.optOut === true
    thumbnails.write(thumbnail, looked.length * THUMBNAIL_BYTES, 'base64')
    looked.push({ file: { path, sha256, bytes, ...seen, licence, author, source: from, optOut }, measures })
  }
  return { looked, files: looked.map(({ file }) => file), thumbnails, broken }
}

/** Puts a number on pictures that have the same leader, which is the first of them. */
export function markGroups(files: readonly ManifestFile[], leaders: Int32Array, key: 'group' | 'variant'): void {
  const numbers = new Map<number, number>()
  for (const [index, leader] of leaders.entries())
    if (leader !== index && !numbers.has(leader)) numbers.set(leader, numbers.size)
  for (const [index, leader] of leaders.entries()) {
    const number = numbers.get(leader)
    if (number !== undefined) files[index]![key] = number
  }
}
