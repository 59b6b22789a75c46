/** The training loop: units in order, their metrics counted and reported, checkpoints where they are due, a clean end. */
import type { CheckpointState } from '../checkpoint/records.ts'
import { abortError, ShinsakuError } from '../errors.ts'
import type { Metrics } from '../native/addon.ts'
import type { Model, SampleCall } from '../sampling/model.ts'
import type { Sampling } from '../sampling/sampling.ts'
import { isNotFinite, withAdvice } from './advice.ts'
import { Checkpointer } from './checkpointer.ts'
import { accuracyText } from './classifier-report.ts'
import { longRunAdvice } from './long-run.ts'
import { Rollback } from './rollback.ts'
import { mayPass } from './save-failures.ts'
import type { SessionDeps } from './session-deps.ts'
import { type Counters, eta, Means, Rate, type Status } from './status.ts'
import { Timekeeper } from './timekeeper.ts'
import { UnitSizer } from './unit-sizer.ts'

type Unit = { updates: number; startedAt: number; result: Promise<Metrics> }

/** A second unit is queued while one runs, so that the device never waits for JavaScript. */
const IN_FLIGHT = 2

/** The unit whose speed is worth saying: the first ones prepare. */
const TELLING_UNIT = 3

/** A run as its caller drives it, whichever of its processes this is. */
export type RunSession = Pick<Session, 'folder' | 'train' | 'stop' | 'checkpoint' | 'sample'>

export class Session {
  readonly #deps: SessionDeps
  readonly #checkpointer: Checkpointer
  readonly #rollback: Rollback
  readonly #sizer: UnitSizer
  readonly #units: Unit[] = []
  readonly #counters: Counters
  /** Means since the last status, and since the last line of metrics.jsonl. */
  #live = new Means()
  #logged: Means
  /** The newest status, and the images at which the copy guard was last asked to look. */
  #status: Status | undefined
  #guardedAt = -1
  #validatedAt = -1
  #rate = new Rate()
  readonly #time: Timekeeper
  #settledUnits = 0
  #stopped = false
  #ended = false
  /** Pictures that could not be read: the run ends with this, once its checkpoint is saved. */
  #unreadable: ShinsakuError | undefined

  constructor(deps: SessionDeps) {
    this.#deps = deps
    this.#time = new Timekeeper(deps)
    this.#checkpointer = new Checkpointer(deps)
    this.#rollback = new Rollback(deps)
    this.#sizer = new UnitSizer(deps.imagesPerUpdate)
    const { pending, ...counters } = deps.start
    this.#counters = counters
    this.#logged = new Means(pending)
  }

  get folder(): string {
    return this.#deps.folder
  }

  stop(): void {
    this.#stopped = true
  }

  sample(options: SampleCall): Promise<Sampling> {
    this.#requireLive('sample()')
    return this.#deps.sample(options, this.#counters.images)
  }

  /** Saves at the end of the running unit. */
  checkpoint(): Promise<string> {
    this.#requireLive('checkpoint()')
    return this.#checkpointer.request()
  }

  #requireLive(call: string): void {
    if (this.#ended)
      throw new ShinsakuError('DISPOSED', `The run has ended before ${call} was called; use the model it resolved with`)
  }

  /** Trains to the end, to stop(), or to the abort signal. */
  async train(): Promise<Model> {
    const { options, signal, previewStart } = this.#deps
    try {
      if (previewStart) await this.#time.pause(() => this.#deps.preview(this.#counters.images))
      this.#stopOnCopies()
      while (!this.#done() || this.#units.length > 0) await this.#turn().catch((error) => this.#rollBack(error))
      await this.#deps.recordEnd(this.#time.maxImages)
      // Who has aborted waits.
      if (!signal?.aborted) await this.#validate('end')
      await this.#checkpointer.finish(this.#state())
      // A run that is to end with the clock has no time left.
      if (this.#unreadable === undefined && options.time === null) await this.#guard()
      if (this.#unreadable) throw this.#unreadable
      if (signal?.aborted) throw abortError(signal, 'Training')
      await this.#deps.validation?.write()
      return await this.#deps.finish()
    } catch (cause) {
      const error = withAdvice(cause, options, this.#deps.folder)
      this.#checkpointer.rejectRequests(error)
      throw error
    } finally {
      this.#ended = true
      await Promise.allSettled([...this.#units.map(({ result }) => result), this.#checkpointer.settled])
      this.#checkpointer.rejectRequests(
        new ShinsakuError('DISPOSED', 'The run ended before the checkpoint could be saved'),
      )
      await this.#deps.close()
    }
  }

  async #turn(): Promise<void> {
    const checkpointer = this.#checkpointer
    const { images } = this.#counters
    checkpointer.throwFatal()
    const passEnds = this.#deps.validation?.nextAt(images) ?? Number.POSITIVE_INFINITY
    const boundary = Math.min(checkpointer.nextAt(images), passEnds, this.#time.maxImages)
    if (!this.#done() && !checkpointer.isDue(images)) this.#queueUnits(boundary)
    if (this.#units.length > 0) await this.#settleUnit()
    if (this.#units.length === 0 && this.#deps.validation?.isDue(this.#counters.images, images))
      await this.#validate('pass')
    if (this.#units.length > 0 || !checkpointer.isDue(this.#counters.images)) return
    await this.#time.pause(() => checkpointer.take(this.#state()))
    await this.#guard()
    this.#rollback.passed(this.#counters.images)
  }

  #done(): boolean {
    const { images, elapsedSeconds } = this.#counters
    const mustEnd =
      this.#stopped ||
      this.#deps.stopRequested?.() ||
      this.#deps.signal?.aborted === true ||
      this.#unreadable !== undefined
    return mustEnd || this.#time.isOver(images, elapsedSeconds)
  }

  /** After a loss or a weight that is NaN: on from the newest checkpoint, as often as `maxRollbacks` allows. */
  async #rollBack(error: unknown): Promise<void> {
    if (!isNotFinite(error)) throw error
    const { images } = this.#counters
    // What is queued behind the failure computes with the same weights.
    await Promise.allSettled(this.#units.map(({ result }) => result))
    this.#units.length = 0
    await this.#checkpointer.settled
    this.#checkpointer.throwFatal((fatal) => !isNotFinite(fatal))
    this.#startFrom(await this.#rollback.rollBack(error, images))
  }

  /** Time goes on; what was counted since the checkpoint did not happen. */
  #startFrom({ pending, images, updates, epoch }: CheckpointState): void {
    Object.assign(this.#counters, { images, updates, epoch })
    this.#logged = new Means(pending)
    this.#live = new Means()
    this.#rate = new Rate()
    this.#time.restart()
    this.#checkpointer.startFrom(images)
    this.#deps.guard?.rewind(images)
    this.#guardedAt = -1
    this.#validatedAt = -1
  }

  #queueUnits(boundary: number): void {
    while (this.#units.length < IN_FLIGHT) {
      const ahead = this.#units.reduce((sum, { updates }) => sum + this.#sizer.imagesOf(updates), 0)
      const updates = this.#sizer.next(this.#counters.images + ahead, boundary, this.#units.length)
      if (updates === 0) return
      const result = this.#deps.step(updates)
      // A second unit may fail before anyone awaits it; the first one's error is what ends the run.
      result.catch(() => {})
      this.#units.push({ updates, startedAt: performance.now(), result })
    }
  }

  /** Takes the result of the oldest unit into counters, means, logs and statuses. */
  async #settleUnit(): Promise<void> {
    const unit = this.#units[0]!
    const metrics = await unit.result
      .finally(() => this.#units.shift())
      .catch((error: unknown) => {
        // The trainer reads no files: this is of the pictures, and what came before them is sound.
        if (!mayPass(error)) throw error
        this.#unreadable ??= error
      })
    if (!metrics) return
    const now = performance.now()
    const seconds = (now - unit.startedAt) / 1000
    // The next unit starts where this one ended, not where it was queued.
    for (const queued of this.#units) queued.startedAt = now
    const { options, runLog, validation } = this.#deps
    const elapsed = this.#time.elapsedSeconds
    for (let i = 0; i < unit.updates; i++) {
      const images = metrics.images![i]!
      this.#live.add(metrics, i)
      this.#logged.add(metrics, i)
      const isAsked = Math.floor(images / options.logImages) > Math.floor(this.#counters.images / options.logImages)
      // The line at a pass's end waits for the accuracies.
      const isPassEnd = validation?.isDue(images, this.#counters.images) === true
      this.#counters.images = images
      this.#counters.updates += 1
      this.#counters.epoch = metrics.epoch![i]!
      this.#counters.elapsedSeconds = elapsed - (seconds * (unit.updates - 1 - i)) / unit.updates
      if (isPassEnd) continue
      if (isAsked) runLog.record(this.#statusOf(this.#logged.take()))
      // Whoever follows the file sees at once that there is something; its means begin with the same update.
      else if (this.#counters.updates === 1) runLog.record(this.#statusOf(this.#logged.peek()))
    }
    this.#sizer.record(unit.updates, seconds)
    this.#rate.add(this.#counters.images, this.#counters.elapsedSeconds)
    this.#time.review(this.#counters.images)
    this.#settledUnits += 1
    if (this.#settledUnits === TELLING_UNIT && this.#time.maxSeconds === null) this.#warnOfDays()
    this.#tell(this.#statusOf(this.#live.take()))
  }

  #tell(status: Status): void {
    this.#status = status
    this.#deps.onStatus(status)
  }

  /** Measures a classifier where it stands, and puts a line of it on record. */
  async #validate(at: 'pass' | 'end'): Promise<void> {
    const { validation, runLog } = this.#deps
    const { images } = this.#counters
    if (!validation || images === this.#validatedAt) return
    this.#validatedAt = images
    const { train, test } = await this.#time.pause(() => validation.measure(images))
    // The same images have one line: where an end is measured that a resumed run begins with, there is one already.
    if (this.#logged.count > 0) {
      const accuracy = { trainAccuracy: train, ...(test !== null && { testAccuracy: test }) }
      // An end that nobody but its caller chose is no end to a run that goes on from it.
      const means = at === 'pass' ? this.#logged.take() : this.#logged.peek()
      runLog.record(this.#statusOf({ ...means, ...accuracy }))
    }
    runLog.log(accuracyText(images, { train, test }))
    if (this.#status) this.#tell({ ...this.#status, accuracy: { train, test } })
  }

  /** Lets the copy guard look at the weights that a checkpoint was made of. */
  async #guard(): Promise<void> {
    const { guard, signal, runLog } = this.#deps
    const { images } = this.#counters
    if (!guard || this.#stopped || signal?.aborted || images === this.#guardedAt) return
    this.#guardedAt = images
    const found = await guard.look(this.#counters, this.#rate.perSecond)
    if (!found) return
    runLog.recordGuard(this.#counters, found)
    if (this.#status) this.#tell({ ...this.#status, guard: found })
    this.#stopOnCopies()
  }

  #stopOnCopies(): void {
    const { guard, options, runLog } = this.#deps
    if (!options.stopOnCopies || guard?.warnedAt === undefined) return
    this.#stopped = true
    runLog.log(
      `Ends at ${this.#counters.images} images, because stopOnCopies is set and the copy guard warned of copies at ${guard.warnedAt}. To go on all the same, resume with stopOnCopies false (--no-stop-on-copies).`,
    )
  }

  #warnOfDays(): void {
    const { maxImages } = this.#time
    const advice = longRunAdvice(maxImages - this.#counters.images, this.#rate.perSecond)
    if (advice) this.#deps.runLog.log(advice)
  }

  /** Where the run stands, as a checkpoint keeps it. */
  #state(): CheckpointState {
    return { ...this.#counters, pending: this.#logged.toJSON() }
  }

  #statusOf(metrics: Record<string, number>): Status {
    const { computing, mainLoss, guard, validation } = this.#deps
    const { maxImages, maxSeconds } = this.#time
    const imagesPerSecond = this.#rate.perSecond
    return {
      ...this.#counters,
      ...computing,
      maxImages,
      loss: metrics[mainLoss] ?? Number.NaN,
      metrics,
      guard: guard?.newest ?? null,
      accuracy: validation?.newest ?? null,
      imagesPerSecond,
      etaSeconds: eta(this.#counters, imagesPerSecond, maxImages, maxSeconds),
    }
  }
}
