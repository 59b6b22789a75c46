/** From what decoding found out to the entries of dataset.json. */
import type { Licences } from './licences.ts'
import type { ManifestFile, Skipped } from './manifest.ts'
import type { Measured, Outcome } from './outcome.ts'
import type { Source } from './source.ts'

/** Splits what was decoded into the manifest's files and those that failed. */
export function toManifest(
  source: Source,
  list: readonly Measured[],
  outcomes: readonly Outcome[],
  licences: Licences | null,
) {
  const files: ManifestFile[] = []
  const thumbnails: Buffer[] = []
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
    const { thumbnail, ...seen } = outcome
    const optOut = seen.optOut || row?.optOut === true
    files.push({ path, sha256, bytes, ...seen, licence, author, source: from, optOut })
    thumbnails.push(Buffer.from(thumbnail, 'base64'))
  }
  return { files, thumbnails: Buffer.concat(thumbnails), broken }
}

/** Puts a number on near-duplicates of each other. */
export function markGroups(files: readonly ManifestFile[], leaders: Int32Array): void {
  const numbers = new Map<number, number>()
  for (const [index, leader] of leaders.entries())
    if (leader !== index && !numbers.has(leader)) numbers.set(leader, numbers.size)
  for (const [index, leader] of leaders.entries()) {
    const group = numbers.get(leader)
    if (group !== undefined) files[index]!.group = group
  }
}
