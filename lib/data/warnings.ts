/** What a person should know about the data before training on it, in plain words. */
import { visible } from '../errors.ts'
import { type Finding, type Reason, reasons } from './findings.ts'
import { MAX_NAMED, type Unused } from './licences.ts'
import type { ManifestFile, Skipped } from './manifest.ts'

/** Fewer pictures than this are memorised rather than varied. */
const FEW_PICTURES = 100
export const several = (count: number, noun: 'file' | 'picture') => `${count} ${noun}${count === 1 ? '' : 's'}`

/** The first few names, visible as they are, then how many more. */
function some(names: readonly string[], count = names.length): string {
  const named = names.slice(0, MAX_NAMED).map(visible).join(', ')
  return count > MAX_NAMED ? `${named} and ${count - MAX_NAMED} more` : named
}

/** Names what is not used, and why. */
export const describeSkipped = (skipped: readonly Skipped[]): string =>
  some(skipped.map(({ path, reason }) => `${path} (${reason})`))

/** Counts files of other kinds by their extension; undefined where there are none. */
export function describeIgnored(ignored: Readonly<Record<string, number>>): string | undefined {
  const kinds = Object.entries(ignored).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  if (kinds.length === 0) return undefined
  const total = kinds.reduce((sum, [, count]) => sum + count, 0)
  return `${several(total, 'file')} of other kinds: ${some(kinds.map(([kind, count]) => `${kind === '' ? 'no extension' : `.${kind}`} ${count}`))}`
}

type Known = {
  files: readonly ManifestFile[]
  findings: readonly Finding[]
  skipped: readonly Skipped[]
  ignored: Readonly<Record<string, number>>
  size: number
  /** Entries of LICENSES.csv that fit nothing; null where there is no such file. */
  unusedLicences: Unused | null
}

const withPaths = (files: readonly ManifestFile[]) =>
  `${several(files.length, 'picture')}: ${some(files.map(({ path }) => path))}`

/** Whether other lines are about it. */
const saidElsewhere = ({ reason, files }: Finding) =>
  reason === 'copies' || reason === 'small' || (reason === 'blank' && files.every(({ transparent }) => transparent))

/** One line of what is suspicious about the pictures, with a few names for each reason. */
function suspicions(findings: readonly Finding[]): string | undefined {
  const parts = (Object.keys(reasons) as Reason[]).flatMap((reason) => {
    const paths = findings
      .filter((finding) => finding.reason === reason && !saidElsewhere(finding))
      .flatMap(({ files }) => files.map(({ path }) => path))
    return paths.length === 0 ? [] : [`${reasons[reason].title} ${paths.length} (${some(paths)})`]
  })
  if (parts.length === 0) return undefined
  return `Look at these: ${parts.join('; ')}. "shinsaku describe PICTURES --report" shows them.`
}

/** One line for each thing to know; none for a data set without any. */
export function warningsOf({ files, findings, skipped, ignored, size, unusedLicences }: Known): string[] {
  const count = files.length
  const others = describeIgnored(ignored)
  const copies = count - new Set(files.map(({ sha256 }) => sha256)).size
  const small = files.filter(({ format, width, height }) => format !== 'svg' && Math.min(width, height) < size)
  const transparent = files.filter((file) => file.transparent)
  const optOut = files.filter((file) => file.optOut)
  const unlicensed = unusedLicences ? files.filter(({ licence }) => licence === null) : []
  const lines = [
    skipped.length > 0 &&
      `${several(skipped.length, 'file')} not used: ${describeSkipped(skipped)}. dataset.json lists all.`,
    others && `Ignored: ${others}.`,
    copies > 0 &&
      `${copies} of ${count} pictures are byte-for-byte copies of others and count twice. Set duplicates to "drop" to leave them out.`,
    count > 1 &&
      count < FEW_PICTURES &&
      `${count} pictures are few: expect near copies of them. A thousand or more give variety.`,
    small.length > 0 && `Smaller than ${size} pixels and enlarged: ${withPaths(small)}.`,
    transparent.length > 0 && `Wholly transparent, so that only the background is seen: ${withPaths(transparent)}.`,
    suspicions(findings),
    optOut.length > 0 &&
      `The rights holder forbids training or data mining: ${withPaths(optOut)}. Make sure that you may use them.`,
    unlicensed.length > 0 && `LICENSES.csv has no licence for ${withPaths(unlicensed)}.`,
    unusedLicences &&
      unusedLicences.count > 0 &&
      `LICENSES.csv has entries that match no picture: ${some(unusedLicences.first, unusedLicences.count)}.`,
  ]
  return lines.filter((line) => typeof line === 'string')
}
