/** Computes what is asked for: one step after the other, models in turn, and in each as many pictures as it takes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { abortError, ShinsakuError } from '../errors.ts'
import type { ResolvedServeOptions } from '../options/serve.ts'
import { tryLater } from './answer.ts'
import type { Job, Lane, Work } from './lane.ts'
import { Histogram } from './metrics.ts'

type Limits = Pick<ResolvedServeOptions, 'maxQueue' | 'maxPerClient' | 'maxWait'>

/** Pictures by what became of them: those admitted are all the others together, and those in the works. */
export type Counts = { admitted: number; done: number; aborted: number; expired: number; failed: number }

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

export class Engine {
  readonly counts: Counts = { admitted: 0, done: 0, aborted: 0, expired: 0, failed: 0 }
  readonly stepSeconds = new Histogram([0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10])
  readonly batchSizes = new Histogram([1, 2, 4, 8, 16, 32, 64])
  readonly #limits: Limits
  readonly #busy = new Set<Lane>()
  readonly #ofClient = new Map<string, number>()
  #waiting = 0
  #active = 0
  #running: Promise<void> | undefined
  #stopping = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Pictures that wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** Pictures that are being computed. */
  get active(): number {
    return this.#active
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** Whether another picture would be admitted. */
  get hasRoom(): boolean {
    return !this.#stopping && this.#waiting < this.#limits.maxQueue
  }

  /** Seconds until what is asked for by now would be finished. */
  get backlog(): number {
    return [...this.#busy].reduce((sum, lane) => sum + lane.backlog, 0)
  }

  /**
   * Resolves once every picture is finished. Rejects before any work with SERVER_BUSY or CLIENT_LIMIT; later with
   * SERVER_BUSY, ABORT_ERR where its signal fires, or what the model gives.
   */
  async run(job: Job): Promise<void> {
    if (job.signal.aborted) throw abortError(job.signal, 'The request')
    this.#admit(job)
    const works = this.#worksOf(job)
    try {
      await Promise.all(works.map(({ settled }) => settled))
    } catch (error) {
      for (const { work } of works) this.#abandon(work)
      throw error
    }
  }

  /** Takes no more, and resolves to whether all that was asked for was finished within `seconds`. */
  async stop(seconds: number): Promise<boolean> {
    this.#stopping = true
    const idle = (async () => {
      while (this.#running) await this.#running
      return true
    })()
    const waited = new AbortController()
    const late = sleep(seconds * 1000, false, { signal: waited.signal }).catch(() => false)
    const finished = await Promise.race([idle, late])
    waited.abort()
    if (finished) return true
    const error = tryLater('SERVER_BUSY', 'The server is about to end.', 5)
    for (const lane of this.#busy) for (const work of [...lane.active, ...lane.waiting]) work.settle(error)
    await idle
    return false
  }

  #admit({ client, pictures, lane }: Job): void {
    const { maxQueue, maxPerClient, maxWait } = this.#limits
    if (this.#stopping) throw tryLater('SERVER_BUSY', 'The server is about to end.', 5)
    const own = this.#ofClient.get(client) ?? 0
    if (own + pictures.length > maxPerClient)
      throw tryLater('CLIENT_LIMIT', `One client may have ${maxPerClient} pictures in the works.`, lane.backlog)
    const { backlog } = this
    // Those for which there is a free place begin at once.
    const free = Math.max(0, lane.together.rows - lane.active.length - lane.waiting.size)
    if (this.#waiting + pictures.length - free > maxQueue)
      throw tryLater('SERVER_BUSY', `${this.#waiting} pictures wait already.`, backlog)
    if (backlog > maxWait)
      throw tryLater('SERVER_BUSY', `The wait would be ${Math.ceil(backlog)} s.`, backlog - maxWait)
    this.#ofClient.set(client, own + pictures.length)
    this.counts.admitted += pictures.length
  }

  #worksOf(job: Job): { work: Work; settled: Promise<void> }[] {
    const { lane, client, pictures, signal } = job
    const deadline = performance.now() + this.#limits.maxWait * 1000
    const works = pictures.map((asked, index) => {
      let settle!: Work['settle']
      const settled = new Promise<void>((resolve, reject) => {
        settle = (outcome) => {
          if (work.gone) return
          work.gone = true
          this.#count(work, outcome)
          if (outcome === 'done') resolve()
          else
            reject(
              outcome === 'expired' ? tryLater('SERVER_BUSY', 'The picture waited too long.', this.backlog) : outcome,
            )
        }
      })
      const steps = lane.together.stepsOf(asked)
      const work: Work = { job, index, asked, steps, deadline, settle, gone: false, started: undefined, previewed: 0 }
      return { work, settled }
    })
    const onAbort = () => {
      for (const { work } of works) work.settle(abortError(signal, 'The request'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    Promise.allSettled(works.map(({ settled }) => settled)).then(() => signal.removeEventListener('abort', onAbort))
    for (const { work } of works) lane.waiting.push(client, work, work.steps)
    this.#waiting += works.length
    this.#busy.add(lane)
    this.#running ??= this.#loop()
    return works
  }

  /** What became of a picture; a place in the queue is free at once, one among the active at the next step. */
  #count(work: Work, outcome: 'done' | 'expired' | Error): void {
    const { client, lane } = work.job
    if (lane.waiting.remove(client, work)) this.#waiting -= 1
    const own = this.#ofClient.get(client)! - 1
    if (own === 0) this.#ofClient.delete(client)
    else this.#ofClient.set(client, own)
    const aborted = outcome instanceof ShinsakuError && outcome.code === 'ABORT_ERR'
    if (typeof outcome === 'string') this.counts[outcome] += 1
    else this.counts[aborted ? 'aborted' : 'failed'] += 1
  }

  #abandon(work: Work): void {
    work.settle(new ShinsakuError('ABORT_ERR', 'Another picture of the request failed'))
  }

  async #loop(): Promise<void> {
    // What is asked for in the same moment shares a batch.
    await Promise.resolve()
    while (this.#busy.size > 0)
      for (const lane of this.#busy) {
        await this.#turn(lane)
        if (lane.idle) this.#busy.delete(lane)
      }
    this.#running = undefined
  }

  /** One step of a model. */
  async #turn(lane: Lane): Promise<void> {
    lane.active = lane.active.filter((work) => !this.#freed(work))
    await this.#fill(lane)
    const { active, together } = lane
    if (active.length === 0) return
    const begun = performance.now()
    try {
      await together.step(active.map(({ started }) => started!))
      const seconds = (performance.now() - begun) / 1000
      lane.took(seconds)
      this.stepSeconds.add(seconds)
      this.batchSizes.add(active.length)
      for (const work of active) await this.#show(work)
    } catch (error) {
      lane.healthy = false
      for (const { settle } of active) settle(asError(error))
    }
    lane.active = active.filter((work) => !this.#freed(work))
  }

  /** Frees what nobody waits for any more. */
  #freed(work: Work): boolean {
    if (!work.gone) return false
    work.started?.dispose()
    this.#active -= 1
    return true
  }

  async #fill(lane: Lane): Promise<void> {
    while (lane.active.length < lane.together.rows) {
      const work = lane.waiting.take()
      if (!work) return
      this.#waiting -= 1
      if (performance.now() > work.deadline) {
        work.settle('expired')
        continue
      }
      lane.beginning = true
      try {
        work.started = await lane.together.begin(work.asked)
        this.#active += 1
        lane.active.push(work)
      } catch (error) {
        work.settle(asError(error))
      } finally {
        lane.beginning = false
      }
    }
  }

  /** Hands on a picture that is finished, or a preview where one is due. */
  async #show(work: Work): Promise<void> {
    const { started, job, index } = work
    if (work.gone) return
    if (started!.done) {
      job.onPicture(index, await started!.picture())
      return work.settle('done')
    }
    const due = Math.floor(started!.share * (job.previews + 1))
    if (due <= work.previewed) return
    work.previewed = due
    job.onPreview(index, await started!.picture())
  }
}
