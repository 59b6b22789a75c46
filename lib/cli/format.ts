/** Numbers and statuses as people read them. */

import { nameOf } from '../backend/trial.ts'
import { visible } from '../errors.ts'
import type { DataProgress } from '../index.ts'
import type { Status } from '../train/status.ts'

export const formatCount = (value: number): string => value.toLocaleString('en-US')

/** Bytes with a decimal prefix: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

/** Seconds as the two largest units that matter: `45 s`, `3 m 05 s`, `2 h 05 m`, `4 d 03 h`. */
export function formatTime(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor((whole % 86_400) / 3600))} h`
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

/** One line about a training run: `1,280/64,000 images (2%)  35.2 images/s  loss 0.0213  ETA 29 m 42 s  cpu-avx2 fp32`. */
export function formatStatus(status: Status): string {
  const { imagesPerSecond, metrics, etaSeconds, precision } = status
  const rate = imagesPerSecond < 100 ? imagesPerSecond.toPrecision(3) : String(Math.round(imagesPerSecond))
  const losses = Object.entries(metrics).filter(([name]) => name.startsWith('loss'))
  const parts = [
    formatShare(status),
    imagesPerSecond > 0 ? `${rate} images/s` : '',
    losses.map(([name, value]) => `${name} ${value.toPrecision(3)}`).join(' '),
    etaSeconds === null ? '' : `ETA ${formatTime(etaSeconds)}`,
    `${nameOf(status)} ${precision}`,
  ]
  return parts.filter((part) => part !== '').join('  ')
}

/** One line about pictures being read: `decoding 1,200/5,000 pictures (24%)  161 pictures/s  ETA 24 s`. */
export class DataLine {
  readonly #now: () => number
  #phase: string | undefined
  #begun = 0
  #doneBefore = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  text({ phase, done, total }: DataProgress): string {
    if (phase !== this.#phase) {
      this.#phase = phase
      this.#begun = this.#now()
      // The first report may be of many that needed no work.
      this.#doneBefore = done
    }
    const what = phase === 'read' ? 'reading' : 'decoding'
    const share = `${what} ${formatCount(done)}/${formatCount(total)} pictures (${Math.floor((done / total) * 100)}%)`
    const seconds = (this.#now() - this.#begun) / 1000
    const rate = (done - this.#doneBefore) / seconds
    if (seconds < 1 || rate === 0) return share
    return `${share}  ${rate < 100 ? rate.toPrecision(3) : Math.round(rate)} pictures/s  ETA ${formatTime((total - done) / rate)}`
  }
}

/** A path as an argument of a shell. */
export function shellQuote(text: string): string {
  if (/^[\w./:@%+,=-]+$/.test(text)) return text
  // What a terminal would obey is written as bash reads it between $' and '.
  if (visible(text) !== text) return `$'${visible(text.replace(/[\\']/g, '\\$&'))}'`
  return `'${text.replaceAll("'", "'\\''")}'`
}
