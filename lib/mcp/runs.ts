/** The runs that this process trains for programs: started by one call, looked at and stopped by others. */
import { resolve } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import type { TrainOptions } from '../options/types.ts'
import { type TrainingRun, train } from '../train/run.ts'
import type { Status } from '../train/status.ts'

type LiveRun = { training: TrainingRun; status: Status | null; ended: Promise<void>; error: unknown }

export class LiveRuns {
  readonly #runs = new Map<string, LiveRun>()
  readonly #abort = new AbortController()

  /** Starts a run; resolves with its folder once it trains, or rejects with why it does not. */
  async start(options: TrainOptions, onStatus: (status: Status) => void = () => {}): Promise<string> {
    const training = train({ ...options, signal: this.#abort.signal })
    const live: LiveRun = { training, status: null, ended: Promise.resolve(), error: null }
    const statuses = training[Symbol.asyncIterator]()
    const follow = async ({ value, done }: IteratorResult<Status>): Promise<void> => {
      if (done) return
      live.status = value
      onStatus(value)
      return follow(await statuses.next())
    }
    // A run that has nothing left to do tells no status.
    const first = await statuses.next()
    live.ended = follow(first).catch((error) => {
      live.error = error
    })
    const folder = training.folder!
    this.#runs.set(folder, live)
    return folder
  }

  #find(run: string): LiveRun {
    const live = this.#runs.get(resolve(run))
    if (live) return live
    throw new ShinsakuError('RUN_NOT_FOUND', `${run} is no run that this server trains`, {
      hint: 'Only runs that were started by its tool "train" can be stopped; see the tool "status".',
    })
  }

  /** The newest status of a run of this process; null for others, and for one that has ended. */
  statusOf(run: string): Status | null {
    return this.#runs.get(resolve(run))?.status ?? null
  }

  /** Waits for the end of a run. Rejects with what it failed with. */
  async wait(run: string): Promise<void> {
    const live = this.#find(run)
    await live.ended
    if (live.error !== null) throw live.error
  }

  /** Saves and ends a run. Throws RUN_NOT_FOUND. */
  async stop(run: string): Promise<void> {
    const live = this.#find(run)
    await live.training.stop()
    await live.ended
  }

  /** Saves and ends all of them. */
  async close(): Promise<void> {
    this.#abort.abort()
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
  }
}
