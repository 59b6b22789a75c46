/** The data report: what was found, as a sheet to look at, as text and as JSON. */
import { join } from 'node:path'
import { visible } from '../errors.ts'
import { makeFolderDurable, toJson, writeDurable } from '../files/write.ts'
import { makeSheet, type SheetPicture, type SheetSection } from '../images/contact-sheet.ts'
import type { Dataset } from './dataset.ts'
import { countFindings, type Finding, type Reason, reasons } from './findings.ts'
import { describeLabels } from './labels/describe.ts'
import type { ManifestFile } from './manifest.ts'
import { several } from './warnings.ts'

/** Pictures of one reason on the sheet; the text names all. */
const MAX_SHOWN = 32
/** Of one group. */
const MOST_OF_GROUP = 4

const byReason = (findings: readonly Finding[]): [Reason, Finding[]][] => {
  const groups = new Map<Reason, Finding[]>()
  for (const finding of findings) groups.set(finding.reason, [...(groups.get(finding.reason) ?? []), finding])
  return [...groups]
}

const countOf = (findings: readonly Finding[]): number => findings.reduce((sum, { files }) => sum + files.length, 0)

/** "142 pictures to train on, 16 held out". */
const sides = ({ manifest }: Pick<Dataset, 'manifest'>): string =>
  `${several(manifest.count, 'picture')} to train on${manifest.heldOut ? `, ${manifest.heldOut.length} held out` : ''}`

/** The findings of one reason as pictures on the sheet, the first ones where they are too many. */
function sectionOf(
  reason: Reason,
  findings: readonly Finding[],
  pixelsOf: (file: ManifestFile) => Promise<Uint8Array>,
) {
  const groups: SheetPicture[][] = []
  let shown = 0
  for (const { files, detail } of findings) {
    const some = files.slice(0, MOST_OF_GROUP)
    if (shown + some.length > MAX_SHOWN) break
    shown += some.length
    groups.push(some.map((file) => ({ pixels: () => pixelsOf(file), name: file.path, detail })))
  }
  const count = countOf(findings)
  const rest = count > shown ? ` (${shown} of them here)` : ''
  const { title, note } = reasons[reason]
  const section: SheetSection = { title, note: `${count}: ${note}${rest}`, groups }
  return section
}

function textOf(dataset: Pick<Dataset, 'manifest' | 'findings' | 'labels'>): string {
  const { manifest, findings } = dataset
  const lines = byReason(findings).flatMap(([reason, list]) => [
    '',
    `${reasons[reason].title}, ${reasons[reason].note}: ${several(countOf(list), 'picture')}`,
    ...list.map(({ files, detail }) => `  ${files.map(({ path }) => visible(path)).join(', ')} (${detail})`),
  ])
  const nothing = findings.length === 0 ? ['', 'Nothing suspicious was found.'] : []
  const labels = dataset.labels ? ['', 'Labels', ...describeLabels(dataset.labels).map((line) => `  ${line}`)] : []
  return `${[`${visible(manifest.data)}: ${sides(dataset)}`, ...labels, ...nothing, ...lines].join('\n')}\n`
}

/** A finding as programs read it. */
export type ReportedFinding = { reason: Reason; detail: string; paths: string[] }

export const reported = (findings: readonly Finding[]): ReportedFinding[] =>
  findings.map(({ reason, detail, files }) => ({ reason, detail, paths: files.map(({ path }) => path) }))

/** Files that a report is. */
export type Report = { sheet: string; text: string; json: string }

/** Writes report.png, report.txt and report.json into `folder`, over older ones. Rejects with FILE_FAILED or DISK_FULL. */
export async function writeReport(folder: string, dataset: Dataset): Promise<Report> {
  const { manifest, findings, store, heldOut } = dataset
  const places = new Map(manifest.files.map((file, index) => [file, { side: store, index }]))
  for (const [index, file] of manifest.heldOut?.entries() ?? []) places.set(file, { side: heldOut!, index })
  const pixelsOf = (file: ManifestFile) => {
    const { side, index } = places.get(file)!
    return side.read([index])
  }
  const sections = byReason(findings).map(([reason, list]) => sectionOf(reason, list, pixelsOf))
  const heading = `${manifest.data}: ${findings.length === 0 ? 'nothing suspicious' : 'look at these'}`
  const report = {
    sheet: join(folder, 'report.png'),
    text: join(folder, 'report.txt'),
    json: join(folder, 'report.json'),
  }
  const png = await makeSheet(heading, sections, store)
  await makeFolderDurable(folder)
  await writeDurable(report.sheet, png)
  await writeDurable(report.text, textOf(dataset))
  const { count } = manifest
  const about = { data: manifest.data, count, heldOut: manifest.heldOut?.length ?? 0, counts: countFindings(findings) }
  const labels = dataset.labels && { labels: dataset.labels.attributes }
  await writeDurable(report.json, toJson({ ...about, ...labels, findings: reported(findings) }))
  return report
}
