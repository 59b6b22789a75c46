/** When a run ends: at maxImages or maxTime; of a run that is bound in time, where its images meet the end of its time. */
import type { CheckpointState } from '../checkpoint/records.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'

export type TimekeeperDeps = {
  options: Pick<ResolvedTrainOptions, 'maxImages' | 'maxTime' | 'time'>
  start: Pick<CheckpointState, 'images' | 'elapsedSeconds'>
  /** When the run was asked for, in milliseconds of `now`: a time counts from there. */
  begunAt: number
  /** Moves the end of the learning rate's course. */
  endAt(images: number): void
  runLog: { log(line: string): void }
  /** Milliseconds; performance.now() but in tests and measurements. */
  now?: (() => number) | undefined
}

/** Shares of the time: over how long the speed is taken, and how often the end is looked at again. */
const WINDOW = 0.2
const REVIEW = 0.01
/** What is left changes by less than this for the better: the course stays as it is. */
const TOLERANCE = 0.02
/** Of an end that moved by more, the log says so. */
const NOTABLE = 0.1

export class Timekeeper {
  readonly #deps: TimekeeperDeps
  readonly #now: () => number
  readonly #begunAt: number
  #maxImages: number
  /** Where the speed of the newest window is taken from. */
  #marks: { images: number; seconds: number }[] = []
  #reviewedAt = 0
  /** Seconds that the longest checkpoint with its previews took: the last one must fit in, too. */
  #reserve = 0

  constructor(deps: TimekeeperDeps) {
    this.#deps = deps
    this.#now = deps.now ?? (() => performance.now())
    this.#maxImages = deps.options.maxImages
    // Only a time includes what comes before the first update.
    this.#begunAt = deps.options.time === null ? this.#now() : deps.begunAt
    this.#extrapolate()
  }

  /** Of a run that goes on, the speed until now says how far the rest of its time leads. */
  #extrapolate(): void {
    const { options, start } = this.#deps
    if (options.time === null || start.images === 0 || start.elapsedSeconds === 0) return
    const left = Math.max(0, options.time - this.elapsedSeconds)
    this.#maxImages = start.images + Math.round((start.images / start.elapsedSeconds) * left)
    this.#deps.endAt(this.#maxImages)
  }

  /** Images after which the run stops, as far as it is known now. */
  get maxImages(): number {
    return this.#maxImages
  }

  /** Seconds after which the run stops, or null. */
  get maxSeconds(): number | null {
    const { maxTime, time } = this.#deps.options
    if (time === null) return maxTime
    return Math.min(maxTime ?? Number.POSITIVE_INFINITY, time - this.#reserve)
  }

  /** Seconds of the run until now, across resumes. */
  get elapsedSeconds(): number {
    return this.#deps.start.elapsedSeconds + (this.#now() - this.#begunAt) / 1000
  }

  isOver(images: number, elapsedSeconds: number): boolean {
    return images >= this.#maxImages || elapsedSeconds >= (this.maxSeconds ?? Number.POSITIVE_INFINITY)
  }

  /** Does work that training waits for, and remembers how long it took. */
  async pause<T>(work: () => Promise<T>): Promise<T> {
    const begun = this.#now()
    try {
      return await work()
    } finally {
      this.#reserve = Math.max(this.#reserve, (this.#now() - begun) / 1000)
    }
  }

  /** The run has gone back to `images`. */
  restart(): void {
    this.#marks = []
  }

  /** After a unit: moves the end to where the present speed meets the time. */
  review(images: number): void {
    const { time } = this.#deps.options
    if (time === null) return
    const seconds = this.elapsedSeconds
    this.#marks.push({ images, seconds })
    if (seconds - this.#reviewedAt < REVIEW * time) return
    this.#reviewedAt = seconds
    while (this.#marks.length > 2 && seconds - this.#marks[1]!.seconds > WINDOW * time) this.#marks.shift()
    const first = this.#marks[0]!
    if (images <= first.images || seconds - first.seconds < REVIEW * time) return
    const rate = (images - first.images) / (seconds - first.seconds)
    this.#moveTo(images, Math.round(images + rate * Math.max(0, this.maxSeconds! - seconds)))
  }

  #moveTo(images: number, end: number): void {
    const change = Math.abs(end - this.#maxImages)
    if (end <= images || change <= TOLERANCE * (end - images)) return
    if (change > NOTABLE * this.#maxImages)
      this.#deps.runLog.log(`At the present speed the time is enough for ${end} images, not ${this.#maxImages}`)
    this.#maxImages = end
    this.#deps.endAt(end)
  }
}
