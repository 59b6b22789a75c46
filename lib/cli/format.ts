/** Numbers and statuses as people read them. */

import { relative } from 'node:path'
import { nameOf } from '../backend/trial.ts'
import { visible } from '../errors.ts'
import type { Phase } from '../index.ts'
import { formatTime } from '../options/format-time.ts'
import { guardShareText } from '../train/guard-text.ts'
import type { Status } from '../train/status.ts'

/** A path as one would type it here: relative where it is below the working folder. */
export function formatPath(path: string): string {
  const here = relative(process.cwd(), path)
  return here === '' || here.startsWith('..') ? path : here
}

export const formatCount = (value: number): string => value.toLocaleString('en-US')

/** Bytes with a decimal prefix: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

/** Where a run stands on its way to `maxImages`, or to `maxTime` where that comes first: `1,280/64,000 images (2%)`. */
function formatShare({ images, maxImages, imagesPerSecond, elapsedSeconds, etaSeconds }: Status): string {
  const atEnd = etaSeconds === null ? maxImages : images + etaSeconds * imagesPerSecond
  // At the present rate; a little less than maxImages is rounding.
  if (etaSeconds === null || atEnd > 0.98 * maxImages)
    return `${formatCount(images)}/${formatCount(maxImages)} images (${Math.floor((images / maxImages) * 100)}%)`
  const share = elapsedSeconds / (elapsedSeconds + etaSeconds)
  return `${formatCount(images)} images (${Math.floor(share * 100)}%)`
}

const accuracyShares = ({ train, test }: NonNullable<Status['accuracy']>): string =>
  `accuracy ${(train * 100).toFixed(1)}%${test === null ? '' : `, held out ${(test * 100).toFixed(1)}%`}`

/** One line about a training run: `1,280/64,000 images (2%)  35.2 images/s  loss 0.0213  ETA 29 m 42 s  cpu-avx2 fp32`. `age`: seconds since. */
export function formatStatus(status: Status, age = 0): string {
  const { imagesPerSecond, metrics, guard, accuracy, precision } = status
  const etaSeconds = status.etaSeconds === null ? null : Math.max(0, status.etaSeconds - age)
  const rate = imagesPerSecond < 100 ? imagesPerSecond.toPrecision(3) : String(Math.round(imagesPerSecond))
  const losses = Object.entries(metrics).filter(([name]) => name.startsWith('loss'))
  const parts = [
    formatShare(status),
    imagesPerSecond > 0 ? `${rate} images/s` : '',
    losses.map(([name, value]) => `${name} ${value.toPrecision(3)}`).join(' '),
    guard === null ? '' : guardShareText(guard),
    accuracy ? accuracyShares(accuracy) : '',
    etaSeconds === null ? '' : `ETA ${formatTime(etaSeconds)}`,
    `${nameOf(status)} ${precision}`,
  ]
  return parts.filter((part) => part !== '').join('  ')
}

const phaseTexts: Readonly<Record<Phase['phase'], string>> = {
  read: 'reading',
  decode: 'decoding',
  compare: 'looking for near-duplicates:',
  measure: 'measuring how fast this machine trains',
  trial: 'trying backends on the GPU',
  preview: 'sampling a preview',
  checkpoint: 'saving a checkpoint',
}

/**
 * One line about what a run does besides training: `decoding 1,200/5,000 pictures (24%)  161 pictures/s  ETA 24 s`,
 * `sampling a preview (40%)  ETA 12 s`, `trying backends on the GPU  8 s`.
 */
export class PhaseLine {
  readonly #now: () => number
  #current: Phase | undefined
  #begun = 0
  #doneBefore = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Takes what is reported; text() then says it. */
  update(current: Phase): void {
    if (current.phase !== this.#current?.phase || current.done < this.#current.done) {
      this.#begun = this.#now()
      // The first report may be of many that needed no work.
      this.#doneBefore = current.done
    }
    this.#current = current
  }

  text(): string {
    if (!this.#current) return ''
    const { phase, done, total } = this.#current
    const seconds = (this.#now() - this.#begun) / 1000
    const rate = (done - this.#doneBefore) / seconds
    const known = seconds >= 1 && rate > 0
    const what = phaseTexts[phase]
    const percent = `(${Math.floor((done / total) * 100)}%)`
    const left = known ? `  ETA ${formatTime((total - done) / rate)}` : ''
    if (phase === 'read' || phase === 'decode' || phase === 'compare') {
      const speed = known ? `  ${rate < 100 ? rate.toPrecision(3) : Math.round(rate)} pictures/s` : ''
      return `${what} ${formatCount(done)}/${formatCount(total)} pictures ${percent}${speed}${left}`
    }
    if (done > 0) return `${what} ${percent}${left}`
    return seconds < 1 ? what : `${what}  ${formatTime(seconds)}`
  }
}

/** A path as an argument of a shell. */
export function shellQuote(text: string): string {
  if (/^[\w./:@%+,=-]+$/.test(text)) return text
  // What a terminal would obey is written as bash reads it between $' and '.
  if (visible(text) !== text) return `$'${visible(text.replace(/[\\']/g, '\\$&'))}'`
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Rows as aligned columns; numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[], indent = ''): string[] {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : cell)))
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => row[column]!.length)))
  return texts.map((row, index) => {
    const cells = row.map((cell, column) =>
      typeof rows[index]![column] === 'number' ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
    )
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
}
