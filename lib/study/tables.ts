/** The tables of a study as Markdown: every number with its interval, its n and what it was measured against. */
import { visible } from '../errors.ts'
import type { Judgement, Measured, MetricName } from '../evaluate/metrics.ts'
import { type ResolvedStudyOptions, studyMethod } from '../options/study.ts'
import type { StudyComparison, StudyRow } from './result.ts'

type Content = {
  rows: readonly StudyRow[]
  comparisons: readonly StudyComparison[]
  options: ResolvedStudyOptions
  data: string | readonly string[]
}

const round = (value: number): string => (value === 0 ? '0' : String(Number(value.toPrecision(3))))

/** `12.3 (11.9 to 12.8)`; a dash where there is none. `scale` multiplies, as KID is quoted times 1000. */
export function show(measured: Measured, scale = 1): string {
  if (measured === null) return '–'
  if (typeof measured === 'number') return round(measured * scale)
  const { value, low, high } = measured
  return `${round(value * scale)} (${round(low * scale)} to ${round(high * scale)})`
}

/** Text from outside as a cell. */
const cell = (text: string): string => visible(text).replace(/[\\|`*_<>[\]]/g, (character) => `\\${character}`)

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('')
}

const numbers = (judgement: Judgement): string[] => [
  show(judgement.fid),
  show(judgement.kid, 1000),
  show(judgement.swd),
  show(judgement.nnMae),
  show(judgement.nwi),
]
const numberHeads = ['FID', 'KID x1000', 'SWD', 'NN-MAE', 'NWI']

function methodsTable({ rows }: Content): string {
  const heads = [
    'Method',
    'Images',
    ...numberHeads,
    'FID to held-out',
    'Recall',
    'Copy share',
    'of held-out',
    'Verdict',
  ]
  return table(
    heads,
    rows.map(({ label, open, images, judgement, failure }) => {
      const name = cell(label) + (open.length > 0 ? ' ¹' : '')
      if (judgement === null) return [name, String(images), ...Array(heads.length - 3).fill('–'), cell(failure ?? '')]
      const { versusHeldOut, recall, copyShare, copyShareHeldOut, verdict } = judgement
      return [
        name,
        String(images),
        ...numbers(judgement),
        show(versusHeldOut?.fid ?? null),
        show(recall),
        show(copyShare),
        show(copyShareHeldOut),
        verdict.word,
      ]
    }),
  )
}

function floorLine(rows: readonly StudyRow[]): string {
  const floor = rows.find(({ judgement }) => judgement?.floor)?.judgement?.floor
  if (!floor) return ''
  return `Half of the training pictures against the other half, ${floor.pictures} in each: FID ${show(floor.fid)}, KID x1000 ${show(floor.kid, 1000)}, SWD ${show(floor.swd)}. No model can be asked for less.\n\n`
}

function published(rows: readonly StudyRow[]): string {
  const known = rows.flatMap(({ method, label }) => {
    const { published } = studyMethod(method)
    return published ? [[cell(label), String(published.fid), String(published.nwi)]] : []
  })
  if (known.length === 0) return ''
  return `The source's own figures, of 158 other icons, 12 hours on an RTX 3080 and 1024 samples; its NWI has a scale that it does not state:\n\n${table(['Method', 'FID', 'NWI'], known)}\n`
}

function openNotes(rows: readonly StudyRow[]): string {
  const open = rows.filter((row) => row.open.length > 0)
  return open.map(({ label, open }) => `¹ ${cell(label)}: the source leaves open ${open.join(', ')}.\n`).join('')
}

function missing(judgements: readonly Judgement[]): string {
  const reasons = new Set(judgements.flatMap(({ reasons }) => Object.values(reasons)))
  const names = new Set(judgements.flatMap(({ reasons }) => Object.keys(reasons) as MetricName[]))
  if (names.size === 0) return ''
  return `Missing: ${[...names].join(', ')}. ${[...reasons].map(cell).join('; ')}.\n\n`
}

function basisLine(judgements: readonly Judgement[]): string {
  const [first] = judgements
  if (!first) return ''
  const { samples, reference, heldOut, extractor } = first.basis
  const held = heldOut ? `${heldOut.count} held out` : 'none held out'
  const by = extractor
    ? `features of ${extractor.name} (weights ${extractor.sha256.slice(0, 8)})`
    : 'no feature network'
  return `${samples.count} samples of ${samples.size} px (${samples.format}) against ${reference.count} ${cell(reference.name)}, ${held}; ${by}; 95 % intervals in brackets.\n\n`
}

/** Both tables, table 1 only where folders were compared. */
export function tablesOf(content: Content): string {
  const { rows, comparisons, options, data } = content
  const judgements = rows.flatMap(({ judgement }) => judgement ?? [])
  const title = `# Study of ${cell(typeof data === 'string' ? data : `${data.length} files`)}\n\n${options.minutes} minutes of training for each method, seed ${options.seed}, mirrored at random.\n\n`
  const tableOne =
    comparisons.length === 0
      ? ''
      : `## Table 1: other pictures against the training pictures\n\n${table(
          ['Pictures', 'n', ...numberHeads],
          comparisons.map(({ folder, judgement }) => [cell(folder), String(judgement.n), ...numbers(judgement)]),
        )}\n`
  const tableTwo = `## Table 2: methods\n\n${basisLine(judgements)}${methodsTable(content)}\n${openNotes(rows)}\n${floorLine(rows)}`
  const all = [...judgements, ...comparisons.map(({ judgement }) => judgement)]
  return `${title}${tableOne}${tableTwo}${missing(all)}${published(rows)}FID against the training pictures alone rewards copying: read it beside the copy share, the share of samples that are much nearer to one training picture than to any other.\n`
}
