/** The training loop: units in order, statuses, checkpoints and previews at their images, a clean end. */
import { abortError, ShinsakuError } from '../errors.ts'
import type { Metrics, NativeTrainer } from '../native/addon.ts'
import type { ResolvedTrainOptions } from '../options/resolve.ts'
import type { Model, SampleCall } from '../sampling/model.ts'
import type { Pictures } from '../sampling/pictures.ts'
import { isNotFinite, withAdvice } from './advice.ts'
import type { RunLog } from './run-log.ts'
import { mayPass, SaveFailures } from './save-failures.ts'
import { type Computing, type Counters, eta, Means, Rate, type Status, type Sums } from './status.ts'
import { UnitSizer } from './unit-sizer.ts'

/** What the loop needs of the rest; prepare.ts makes it. */
export type SessionDeps = {
  folder: string
  options: ResolvedTrainOptions
  trainer: NativeTrainer
  computing: Computing
  runLog: RunLog
  /** The most images one update sees. */
  imagesPerUpdate: number
  /** The series that is reported as the loss. */
  mainLoss: string
  start: Counters & { pending: Sums }
  /** Whether the sheet of the start is still to be drawn. */
  previewStart: boolean
  /** Copies the trainer as it is, then writes a checkpoint; resolves once training may go on. */
  save(counters: Counters, pending: Sums): Promise<Save>
  /** Draws the preview sheet of these weights. */
  preview(images: number): Promise<void>
  /** Draws with the weights as they are, which have seen `images`. */
  sample(options: SampleCall, images: number): Promise<Pictures>
  /**
   * Brings the trainer and the records back to the newest complete checkpoint, with random numbers that no earlier
   * attempt has seen; undefined where there is none.
   */
  goBack(attempt: number): Promise<SessionDeps['start'] | undefined>
  /** The model of the newest checkpoint. */
  finish(): Promise<Model>
  /** Frees the trainer, closes logs, releases the lock. */
  close(): Promise<void>
  onStatus(status: Status): void
  signal: AbortSignal | undefined
}

/** A checkpoint on its way to the disk; `written` resolves with its folder. */
export type Save = { written: Promise<string> }

/** The same, and `settled`, which resolves once it is known how it ended. */
type Saving = Save & { settled: Promise<void> }

type Unit = { updates: number; started: number; result: Promise<Metrics> }

/** A second unit is queued while one runs, so that the device never waits for JavaScript. */
const IN_FLIGHT = 2

export class Session {
  readonly #parts: SessionDeps
  readonly #pace: UnitSizer
  #rate = new Rate()
  #live = new Means()
  #logged: Means
  readonly #counters: Counters
  readonly #units: Unit[] = []
  #requests: { resolve: (folder: string) => void; reject: (error: unknown) => void }[] = []
  #stopped = false
  #ended = false
  /** The newest snapshot: when it was taken, at which images, and its way to the disk. */
  #savedAt: number
  #savedImages: number
  #save: Saving | undefined
  #writing = false
  readonly #failures: SaveFailures
  /** How often the run has gone back since it last came further than it ever had: up to which images that was. */
  #attempts = 0
  #failedAt = 0
  readonly #begun = performance.now()

  constructor(parts: SessionDeps) {
    this.#parts = parts
    this.#pace = new UnitSizer(parts.imagesPerUpdate)
    this.#failures = new SaveFailures((line) => parts.runLog.log(line))
    const { pending, ...counters } = parts.start
    this.#counters = counters
    this.#logged = new Means(pending)
    this.#savedAt = this.#begun
    // A resumed run starts from a checkpoint; a new one has none yet.
    this.#savedImages = parts.start.images > 0 ? parts.start.images : -1
  }

  get folder(): string {
    return this.#parts.folder
  }

  stop(): void {
    this.#stopped = true
  }

  sample(options: SampleCall): Promise<Pictures> {
    this.#requireLive('sample()')
    return this.#parts.sample(options, this.#counters.images)
  }

  /** Saves at the end of the running unit. */
  checkpoint(): Promise<string> {
    this.#requireLive('checkpoint()')
    return new Promise((resolve, reject) => this.#requests.push({ resolve, reject }))
  }

  #requireLive(call: string): void {
    if (this.#ended)
      throw new ShinsakuError('DISPOSED', `The run has ended before ${call} was called; use the model it resolved with`)
  }

  /** Trains to the end, to stop(), or to the abort signal. */
  async train(): Promise<Model> {
    const { signal } = this.#parts
    try {
      if (this.#parts.previewStart) await this.#parts.preview(this.#counters.images)
      await this.#loop()
      if (this.#counters.images !== this.#savedImages) await this.#snapshot()
      await this.#save?.settled
      // The last one has no next one: it is tried again here, or ends the run.
      if (this.#failures.any) await this.#snapshot()
      // Asked for while the last preview was drawn.
      if (this.#requests.length > 0) await this.#snapshot()
      await this.#save?.written
      if (signal?.aborted) throw abortError(signal, 'Training')
      return await this.#parts.finish()
    } catch (cause) {
      const error = withAdvice(cause, this.#parts.options)
      for (const request of this.#requests) request.reject(error)
      throw error
    } finally {
      this.#ended = true
      await Promise.allSettled([...this.#units.map((unit) => unit.result), this.#save?.settled])
      for (const request of this.#requests)
        request.reject(new ShinsakuError('DISPOSED', 'The run ended before the checkpoint could be saved'))
      await this.#parts.close()
    }
  }

  async #loop(): Promise<void> {
    while (!this.#done() || this.#units.length > 0) await this.#turn().catch((error) => this.#goBack(error))
  }

  async #turn(): Promise<void> {
    this.#throwFatal()
    const boundary = Math.min(this.#nextSnapshot(), this.#parts.options.maxImages)
    if (!this.#done() && !this.#snapshotDue()) this.#queueUnits(boundary)
    if (this.#units.length > 0) await this.#settleUnit()
    if (this.#units.length === 0 && this.#snapshotDue()) await this.#snapshot()
  }

  /** After a loss or a weight that is no number: on from the newest checkpoint, as often as `maxRollbacks` allows. */
  async #goBack(error: unknown): Promise<void> {
    if (!isNotFinite(error)) throw error
    const { options, runLog } = this.#parts
    const failedAt = this.#counters.images
    // What is queued behind the failure computes with the same weights.
    await Promise.allSettled(this.#units.map((unit) => unit.result))
    this.#units.length = 0
    await this.#save?.settled
    const fatal = this.#failures.takeFatal()
    if (fatal && !isNotFinite(fatal.error)) throw fatal.error
    const what = `${error.message}, after ${failedAt} images`
    const start = this.#attempts < options.maxRollbacks ? await this.#parts.goBack(this.#attempts + 1) : undefined
    if (!start) throw new ShinsakuError(error.code, this.#report(what), { cause: error, details: error.details })
    this.#attempts += 1
    this.#failedAt = Math.max(this.#failedAt, failedAt)
    runLog.log(
      `Warning: ${what}. Went back to the checkpoint at ${start.images} images, with other random numbers (${this.#attempts} of ${options.maxRollbacks})`,
    )
    this.#startFrom(start)
  }

  #report(what: string): string {
    if (this.#attempts > 0) return `${what}; going back to a checkpoint has not helped, ${this.#attempts} times`
    return this.#parts.options.maxRollbacks > 0 ? `${what}; there is no checkpoint to go back to` : what
  }

  /** Time goes on; what was counted since the checkpoint did not happen. */
  #startFrom({ pending, images, updates, epoch }: SessionDeps['start']): void {
    Object.assign(this.#counters, { images, updates, epoch })
    this.#logged = new Means(pending)
    this.#live = new Means()
    this.#rate = new Rate()
    this.#save = undefined
    this.#savedImages = images
    this.#savedAt = performance.now()
  }

  #done(): boolean {
    const { options, signal } = this.#parts
    const late = options.maxTime !== null && this.#counters.elapsedSeconds >= options.maxTime
    return this.#stopped || signal?.aborted === true || late || this.#counters.images >= options.maxImages
  }

  #nextSnapshot(): number {
    const every = this.#parts.options.checkpointImages
    return (Math.floor(this.#counters.images / every) + 1) * every
  }

  #snapshotDue(): boolean {
    if (this.#counters.images === this.#savedImages) return this.#requests.length > 0
    const { checkpointImages, checkpointTime } = this.#parts.options
    const last = Math.max(this.#savedImages, 0)
    const byImages = Math.floor(this.#counters.images / checkpointImages) > Math.floor(last / checkpointImages)
    if (byImages) return true
    // One at a time: what need not be saved at this very image waits while training goes on.
    if (this.#writing) return false
    return this.#requests.length > 0 || performance.now() - this.#savedAt >= checkpointTime * 1000
  }

  #queueUnits(boundary: number): void {
    while (this.#units.length < IN_FLIGHT) {
      const ahead = this.#units.reduce((sum, unit) => sum + this.#pace.imagesOf(unit.updates), 0)
      const updates = this.#pace.next(this.#counters.images + ahead, boundary, this.#units.length)
      if (updates === 0) return
      const result = this.#parts.trainer.step(updates)
      // A second unit may fail before anyone awaits it; the first one's error is what ends the run.
      result.catch(() => {})
      this.#units.push({ updates, started: performance.now(), result })
    }
  }

  /** Takes the result of the oldest unit into counters, means, logs and statuses. */
  async #settleUnit(): Promise<void> {
    const unit = this.#units[0]!
    const metrics = await unit.result.finally(() => this.#units.shift())
    const now = performance.now()
    const seconds = (now - unit.started) / 1000
    // The next unit starts where this one ended, not where it was queued.
    for (const queued of this.#units) queued.started = now
    const { options, start } = this.#parts
    const elapsed = start.elapsedSeconds + (now - this.#begun) / 1000
    for (let i = 0; i < unit.updates; i++) {
      const images = metrics.images![i]!
      this.#live.add(metrics, i)
      this.#logged.add(metrics, i)
      const line = Math.floor(images / options.logImages) > Math.floor(this.#counters.images / options.logImages)
      this.#counters.images = images
      this.#counters.updates += 1
      this.#counters.epoch = metrics.epoch![i]!
      this.#counters.elapsedSeconds = elapsed - (seconds * (unit.updates - 1 - i)) / unit.updates
      if (line) this.#parts.runLog.record(this.#status(this.#logged.take()))
    }
    this.#pace.record(unit.updates, seconds)
    this.#rate.add(this.#counters.images, this.#counters.elapsedSeconds)
    this.#parts.onStatus(this.#status(this.#live.take()))
  }

  #status(metrics: Record<string, number>): Status {
    const { maxImages, maxTime } = this.#parts.options
    const imagesPerSecond = this.#rate.perSecond
    return {
      ...this.#counters,
      ...this.#parts.computing,
      maxImages,
      loss: metrics[this.#parts.mainLoss] ?? Number.NaN,
      metrics,
      imagesPerSecond,
      etaSeconds: eta(this.#counters, imagesPerSecond, maxImages, maxTime),
    }
  }

  /** Takes a snapshot and leaves it to be written; waits for the one before where that is still on its way. */
  async #snapshot(): Promise<void> {
    const requests = this.#requests
    this.#requests = []
    try {
      const images = this.#counters.images
      const first = this.#savedImages !== images
      if (first || !this.#save || this.#failures.any) await this.#begin()
      for (const { resolve, reject } of requests) this.#save!.written.then(resolve, reject)
      if (first && !this.#parts.signal?.aborted) await this.#preview(images)
    } catch (error) {
      for (const request of requests) request.reject(error)
      throw error
    }
  }

  /** A sheet that cannot be written is not worth the run. */
  async #preview(images: number): Promise<void> {
    await this.#parts.preview(images).catch((error) => {
      if (!mayPass(error)) throw error
      this.#parts.runLog.log(`Warning: ${error.message}. The previews at ${images} images are missing`)
    })
  }

  #throwFatal(): void {
    const fatal = this.#failures.takeFatal()
    if (fatal) throw fatal.error
  }

  async #begin(): Promise<void> {
    await this.#save?.settled
    this.#throwFatal()
    const { images } = this.#counters
    const { written } = await this.#parts.save({ ...this.#counters }, this.#logged.toJSON())
    this.#writing = true
    const settled = written
      .then(
        () => this.#failures.clear(),
        (error: unknown) => this.#failures.add(error, images),
      )
      .finally(() => {
        this.#writing = false
      })
    this.#save = { written, settled }
    this.#savedImages = images
    this.#savedAt = performance.now()
    if (images > this.#failedAt) this.#attempts = 0
  }
}
