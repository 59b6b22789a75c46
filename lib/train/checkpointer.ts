/** The checkpoints of a run under way: when one is due, its way to the disk while training goes on, the preview after it. */
import type { CheckpointState } from '../checkpoint/records.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { RunLog } from './run-log.ts'
import { mayPass, SaveFailures } from './save-failures.ts'

export type CheckpointDeps = {
  options: Pick<ResolvedTrainOptions, 'checkpointImages' | 'checkpointTime'>
  runLog: Pick<RunLog, 'log'>
  signal: AbortSignal | undefined
  start: Pick<CheckpointState, 'images'>
  /** Copies the trainer as it is, then writes a checkpoint; resolves once training may go on. */
  save(state: CheckpointState): Promise<Save>
  /** Samples the preview grid of these weights. */
  preview(images: number): Promise<void>
}

/** A checkpoint on its way to the disk; `written` resolves with its folder. */
export type Save = { written: Promise<string> }

/** The same, and `settled`, which resolves once it is known how it ended. */
type Saving = Save & { settled: Promise<void> }

type Request = { resolve: (folder: string) => void; reject: (error: unknown) => void }

export class Checkpointer {
  readonly #deps: CheckpointDeps
  readonly #failures: SaveFailures
  #requests: Request[] = []
  /** The newest one: its way to the disk, at which images and when it was taken. */
  #newest: Saving | undefined
  #newestImages: number
  #takenAt = performance.now()
  #writing = false

  constructor(deps: CheckpointDeps) {
    this.#deps = deps
    this.#failures = new SaveFailures((line) => deps.runLog.log(line))
    // A resumed run starts from a checkpoint; a new one has none yet.
    this.#newestImages = deps.start.images > 0 ? deps.start.images : -1
  }

  /** The images from `images` on at which one is due whatever the time. */
  nextAt(images: number): number {
    const every = this.#deps.options.checkpointImages
    return (Math.floor(images / every) + 1) * every
  }

  /** Whether one is due at `images`: by images, by time, or because somebody asked. */
  isDue(images: number): boolean {
    if (images === this.#newestImages) return this.#requests.length > 0
    const { checkpointTime } = this.#deps.options
    if (images >= this.nextAt(Math.max(this.#newestImages, 0))) return true
    // One at a time: what need not be saved at this very image waits while training goes on.
    if (this.#writing) return false
    return this.#requests.length > 0 || performance.now() - this.#takenAt >= checkpointTime * 1000
  }

  /** Asks for one as soon as a unit has ended; resolves with its folder. */
  request(): Promise<string> {
    return new Promise((resolve, reject) => this.#requests.push({ resolve, reject }))
  }

  rejectRequests(error: unknown): void {
    for (const request of this.#requests.splice(0)) request.reject(error)
  }

  /** Takes one and leaves it to be written; waits for the one before where that is still on its way. */
  async take(state: CheckpointState): Promise<void> {
    const requests = this.#requests.splice(0)
    const { images } = state
    try {
      const first = images !== this.#newestImages
      const saving = first || !this.#newest || this.#failures.any ? await this.#save(state) : this.#newest
      for (const { resolve, reject } of requests) saving.written.then(resolve, reject)
      if (first && !this.#deps.signal?.aborted) await this.#preview(images)
    } catch (error) {
      for (const request of requests) request.reject(error)
      throw error
    }
  }

  /** The last one of a run: on disk when this resolves. */
  async finish(state: CheckpointState): Promise<void> {
    if (state.images !== this.#newestImages) await this.take(state)
    await this.settled
    // It has no next one: it is tried again here, or ends the run.
    if (this.#failures.any) await this.take(state)
    // Asked for while the last preview was sampled.
    if (this.#requests.length > 0) await this.take(state)
    await this.#newest?.written
  }

  /** Resolves once nothing is being written any more, whether it failed or not. */
  get settled(): Promise<void> {
    return this.#newest?.settled ?? Promise.resolve()
  }

  /** Throws what failed in the background and ends the run or takes it back, once; only what `counts`. */
  throwFatal(counts: (error: unknown) => boolean = () => true): void {
    const fatal = this.#failures.takeFatal()
    if (fatal && counts(fatal.error)) throw fatal.error
  }

  /** The run has gone back to the checkpoint at `images`. */
  startFrom(images: number): void {
    this.#newest = undefined
    this.#newestImages = images
    this.#takenAt = performance.now()
  }

  async #save(state: CheckpointState): Promise<Saving> {
    await this.settled
    this.throwFatal()
    const { written } = await this.#deps.save(state)
    this.#writing = true
    const settled = written
      .then(
        () => this.#failures.clear(),
        (error: unknown) => this.#failures.add(error, state.images),
      )
      .finally(() => {
        this.#writing = false
      })
    this.#newest = { written, settled }
    this.#newestImages = state.images
    this.#takenAt = performance.now()
    return this.#newest
  }

  /** A grid that cannot be written is not worth the run. */
  async #preview(images: number): Promise<void> {
    await this.#deps.preview(images).catch((error) => {
      if (!mayPass(error)) throw error
      this.#deps.runLog.log(`Warning: ${error.message}. The previews at ${images} images are missing`)
    })
  }
}
