/** The training loop: units in order, statuses, checkpoints and previews at their images, a clean end. */
import { abortError, ShinsakuError } from '../errors.ts'
import type { Model, SampleCall } from '../model.ts'
import type { Metrics, NativeTrainer } from '../native/addon.ts'
import type { ResolvedTrainOptions } from '../options/resolve.ts'
import type { Pictures } from '../pictures.ts'
import type { Journal } from './journal.ts'
import { Pace } from './pace.ts'
import { type Counters, eta, Means, mainLoss, Rate, type Status, type Sums } from './status.ts'

/** What the loop needs of the rest; prepare.ts makes it. */
export type SessionParts = {
  folder: string
  options: ResolvedTrainOptions
  trainer: NativeTrainer
  journal: Journal
  /** The most images one update sees. */
  imagesPerUpdate: number
  start: Counters & { pending: Sums }
  /** Whether the sheet of the start is still to be drawn. */
  previewStart: boolean
  /** Copies the trainer as it is, then writes a checkpoint; resolves once training may go on. */
  save(counters: Counters, pending: Sums): Promise<Save>
  /** Draws the preview sheet of these weights. */
  preview(images: number): Promise<void>
  /** Draws with the weights as they are, which have seen `images`. */
  sample(options: SampleCall, images: number): Promise<Pictures>
  /** The model of the newest checkpoint. */
  finish(): Promise<Model>
  /** Frees the trainer, closes logs, releases the lock. */
  close(): Promise<void>
  onStatus(status: Status): void
  signal: AbortSignal | undefined
}

/** A checkpoint on its way to the disk; `written` resolves with its folder. */
export type Save = { written: Promise<string> }

type Unit = { updates: number; started: number; result: Promise<Metrics> }

/** A second unit is queued while one runs, so that the device never waits for JavaScript. */
const IN_FLIGHT = 2

export class Session {
  readonly #parts: SessionParts
  readonly #pace: Pace
  readonly #rate = new Rate()
  readonly #live = new Means()
  readonly #logged: Means
  readonly #counters: Counters
  readonly #units: Unit[] = []
  #requests: { resolve: (folder: string) => void; reject: (error: unknown) => void }[] = []
  #stopped = false
  #ended = false
  /** The newest snapshot: when it was taken, at which images, and its way to the disk. */
  #savedAt: number
  #savedImages: number
  #save: Save | undefined
  #writing = false
  readonly #begun = performance.now()

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#pace = new Pace(parts.imagesPerUpdate)
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
      // Asked for while the last preview was drawn.
      if (this.#requests.length > 0) await this.#snapshot()
      await this.#save?.written
      if (signal?.aborted) throw abortError(signal, 'Training')
      return await this.#parts.finish()
    } catch (error) {
      for (const request of this.#requests) request.reject(error)
      throw error
    } finally {
      this.#ended = true
      await Promise.allSettled([...this.#units.map((unit) => unit.result), this.#save?.written])
      for (const request of this.#requests)
        request.reject(new ShinsakuError('DISPOSED', 'The run ended before the checkpoint could be saved'))
      await this.#parts.close()
    }
  }

  async #loop(): Promise<void> {
    const { options } = this.#parts
    while (!this.#done() || this.#units.length > 0) {
      // A save that has failed ends the run: training on would only lose more.
      if (!this.#writing) await this.#save?.written
      const boundary = Math.min(this.#nextSnapshot(), options.maxImages)
      if (!this.#done() && !this.#snapshotDue()) this.#queueUnits(boundary)
      if (this.#units.length > 0) await this.#settleUnit()
      if (this.#units.length === 0 && this.#snapshotDue()) await this.#snapshot()
    }
  }

  #done(): boolean {
    const { options, signal } = this.#parts
    const late = options.maxTime !== null && this.#counters.elapsedSeconds >= options.maxTime
    return this.#stopped || signal?.aborted === true || late || this.#counters.images >= options.maxImages
  }

  #nextSnapshot(): number {
    const every = this.#parts.options.snapshotImages
    return (Math.floor(this.#counters.images / every) + 1) * every
  }

  #snapshotDue(): boolean {
    if (this.#counters.images === this.#savedImages) return this.#requests.length > 0
    const { snapshotImages, snapshotTime } = this.#parts.options
    const last = Math.max(this.#savedImages, 0)
    const byImages = Math.floor(this.#counters.images / snapshotImages) > Math.floor(last / snapshotImages)
    if (byImages) return true
    // One at a time: what need not be saved at this very image waits while training goes on.
    if (this.#writing) return false
    return this.#requests.length > 0 || performance.now() - this.#savedAt >= snapshotTime * 1000
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
      if (line) this.#parts.journal.record(this.#status(this.#logged.take()))
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
      maxImages,
      loss: mainLoss(metrics),
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
      if (first || !this.#save) await this.#begin()
      for (const { resolve, reject } of requests) this.#save!.written.then(resolve, reject)
      if (first && !this.#parts.signal?.aborted) await this.#parts.preview(images)
    } catch (error) {
      for (const request of requests) request.reject(error)
      throw error
    }
  }

  async #begin(): Promise<void> {
    await this.#save?.written
    const save = await this.#parts.save({ ...this.#counters }, this.#logged.toJSON())
    this.#save = save
    this.#writing = true
    const settle = () => {
      this.#writing = false
    }
    save.written.then(settle, settle)
    this.#savedImages = this.#counters.images
    this.#savedAt = performance.now()
  }
}
