/** Where a run stands: counters from the trainer, and rates, epochs and ETA derived from them. */

import type { Placement } from '../backend/placement.ts'
import type { Metrics } from '../native/addon.ts'
import type { GuardRecord } from '../run/guard-records.ts'

/** What computes a run's updates. */
export type Computing = Pick<Placement, 'ops' | 'graph' | 'precision'>

/** Shares of pictures whose class a classifier names right: of those it learns from, and of those held out (null where none are). */
export type Accuracy = { train: number; test: number | null }

/** One report of a run. Progress is counted in images; the rest follows from it. */
export type Status = Computing & {
  /** Images seen since the run was started, across resumes. */
  images: number
  /** Images after which the run stops. */
  maxImages: number
  /** Optimizer updates. */
  updates: number
  /** Complete passes over the pictures. */
  epoch: number
  /** Mean since the previous status of the loss that stands for the model, such as the generator's of a DCGAN. */
  loss: number
  /** Means of every series of the model since the previous status. */
  metrics: Readonly<Record<string, number>>
  /** The newest look of the copy guard; null before the first, and where it is off. */
  guard: GuardRecord | null
  /** Of a classifier: the newest accuracies, measured after each pass over the pictures; null before the first, and of others. */
  accuracy: Accuracy | null
  imagesPerSecond: number
  /** Seconds of training so far, across resumes. */
  elapsedSeconds: number
  /** Seconds until maxImages or maxTime at the present rate; null before the rate is known. */
  etaSeconds: number | null
}

/** Sums of series since some update; survives a checkpoint, so that means do not depend on interruptions. */
export type Sums = { count: number; sums: Record<string, number> }

export type Counters = { images: number; updates: number; epoch: number; elapsedSeconds: number }

const notMeans = new Set(['images', 'epoch'])

/** Means of series over updates. */
export class Means {
  #count: number
  #sums: Record<string, number>

  constructor({ count, sums }: Sums = { count: 0, sums: {} }) {
    this.#count = count
    this.#sums = { ...sums }
  }

  get count(): number {
    return this.#count
  }

  /** Adds one update's values. */
  add(metrics: Metrics, update: number): void {
    this.#count += 1
    for (const [name, values] of Object.entries(metrics)) {
      if (!notMeans.has(name)) this.#sums[name] = (this.#sums[name] ?? 0) + values[update]!
    }
  }

  /** The means since take() was last called. */
  peek(): Record<string, number> {
    const count = Math.max(this.#count, 1)
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / count]))
  }

  /** The means since the last call. */
  take(): Record<string, number> {
    const means = this.peek()
    this.#count = 0
    this.#sums = {}
    return means
  }

  toJSON(): Sums {
    return { count: this.#count, sums: { ...this.#sums } }
  }
}

/** Images per second over about the last half minute. */
export class Rate {
  readonly #marks: { images: number; seconds: number }[] = []

  add(images: number, seconds: number): void {
    this.#marks.push({ images, seconds })
    while (this.#marks.length > 2 && seconds - this.#marks[1]!.seconds > 30) this.#marks.shift()
  }

  get perSecond(): number {
    const first = this.#marks[0]
    const last = this.#marks.at(-1)
    if (!first || !last || last.seconds <= first.seconds) return 0
    return (last.images - first.images) / (last.seconds - first.seconds)
  }
}

/** Seconds left at `perSecond`, or null while that is 0. */
export function eta(
  { images, elapsedSeconds }: Counters,
  perSecond: number,
  maxImages: number,
  maxTime: number | null,
): number | null {
  if (perSecond <= 0) return null
  const byImages = Math.max(0, maxImages - images) / perSecond
  return maxTime === null ? byImages : Math.min(byImages, Math.max(0, maxTime - elapsedSeconds))
}
