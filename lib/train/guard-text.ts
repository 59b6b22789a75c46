/** The copy guard in plain words. */
import { definitionOf } from '../models/table.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { type GuardRecord, warnsOfCopies } from '../run/guard-records.ts'

/** Below so many pictures the time to learn to draw and the time to learn by heart meet: estimated from arXiv 2505.17638. */
const HARDLY_A_WINDOW = 330

const percent = (share: number) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
const number = (value: number) => value.toPrecision(3)

/** What is known of a set before it is trained on: lines for the log. */
export function guardNotes(pictures: number, heldOut: number): string[] {
  const few =
    pictures < HARDLY_A_WINDOW
      ? [
          `Copy guard: with fewer than about ${HARDLY_A_WINDOW} pictures there is hardly a window in which samples are good and no copies (${pictures} here; arXiv 2505.17638). Expect its warning early; a smaller network or more pictures by the same hand help most.`,
        ]
      : []
  const alone =
    heldOut === 0
      ? ['Copy guard: no pictures are held out, so it has the share of copies among samples alone to go by.']
      : []
  return [...few, ...alone]
}

const shareText = ({ copyShare, copyShareHeldOut }: GuardRecord): string => {
  if (copyShare === null) return ''
  const { value, low, high, n } = copyShare
  const held =
    copyShareHeldOut === null ? '' : `, of ${copyShareHeldOut.n} held-out pictures ${percent(copyShareHeldOut.value)}`
  return `${percent(value)} of ${n} samples are near copies of training pictures (${percent(low)} to ${percent(high)})${held}`
}

const gapText = ({ name, train, heldOut, low, high, n }: GuardRecord['gaps'][number]): string =>
  `${name}: ${number(heldOut)} held out, ${number(train)} trained on; the difference is ${number(low)} to ${number(high)}, from ${n} pictures each`

/** One line about a look. */
export function lookText(images: number, record: GuardRecord): string {
  const gaps = record.gaps.map(
    ({ name, value, low, high }) => `${name} ${number(value)} (${number(low)} to ${number(high)})`,
  )
  const parts = [
    shareText(record),
    gaps.length === 0 ? '' : `held-out loss above that of training pictures by: ${gaps.join(', ')}`,
  ]
  return `Copy guard at ${images} images: ${parts.filter((part) => part !== '').join('; ') || 'nothing can be told'}`
}

/** For the progress line. */
export const guardShareText = ({ copyShare }: GuardRecord): string =>
  copyShare === null ? '' : `copies ${percent(copyShare.value)} of ${copyShare.n}`

/** The warning of what a look has found for the first time. */
export function warningText(
  images: number,
  record: GuardRecord,
  { model }: Pick<ResolvedTrainOptions, 'model'>,
): string {
  const opened = record.gaps.filter(({ low }) => low > 0)
  const what = [
    record.warned.includes('gap')
      ? `${definitionOf(model).guard.meaning} (${opened.map(gapText).join('; ')}): the network begins to learn its pictures by heart, and copies come next`
      : '',
    record.warned.includes('copies') ? `${shareText(record)}: it begins to give them back` : '',
  ]
  const before = warnsOfCopies(record)
    ? " The checkpoint before this: shinsaku sample RUN --at best, or load(run, { at: 'best' })."
    : ''
  return `Warning: copy guard at ${images} images. ${what.filter((part) => part !== '').join('. ')}.${before}`
}
