/** A training run as its caller holds it: awaitable, iterable, stoppable. */
import type { DataProgress } from '../data/dataset.ts'
import { abortError } from '../errors.ts'
import { withAbsolutePaths, workingFolder } from '../options/paths.ts'
import type { TrainOptions } from '../options/types.ts'
import { SampleJob } from '../sampling/job.ts'
import type { Model, SampleCall } from '../sampling/model.ts'
import type { Hooks } from './open-trainer.ts'
import type { Phase } from './phases.ts'
import type { RunSession } from './session.ts'
import type { Status } from './status.ts'
import { StatusReader } from './status-reader.ts'

export type TrainCall = TrainOptions & {
  /** Aborting saves a checkpoint and rejects with an AbortError. */
  signal?: AbortSignal
  /** Receives each line of the run's log.txt: folder, data report, checkpoints, warnings. */
  onLog?: (line: string) => void
  /** Called while pictures are read and decoded, before training begins. */
  onData?: (progress: DataProgress) => void
  /**
   * Called with what the run does besides training: measuring the machine where `time` is set, reading and decoding
   * pictures, trying backends on a GPU, sampling a preview, saving a checkpoint.
   */
  onPhase?: (phase: Phase) => void
}

/**
 * A run under way. Await it for the trained model; iterate it for statuses; both at once if you like.
 * Leaving the iteration early does not stop the run.
 */
export class TrainingRun implements PromiseLike<Model>, AsyncIterable<Status> {
  readonly #session: Promise<RunSession>
  readonly #model: Promise<Model>
  readonly #readers = new Set<StatusReader<Status>>()
  #folder: string | undefined
  #claimed = false
  #end: { error?: unknown } | undefined

  constructor({ signal, onLog, onData, onPhase = () => {}, ...options }: TrainCall) {
    const begunAt = performance.now()
    const onStatus = (status: Status) => {
      for (const reader of this.#readers) reader.push(status)
    }
    const from = workingFolder()
    const hooks = { signal, onLog, onData, onPhase, onStatus, begunAt }
    this.#session = this.#open(withAbsolutePaths(options, from), from, hooks)
    this.#model = this.#session.then((session) => session.train())
    this.#model.then(
      () => this.#finish({}),
      (error: unknown) => {
        this.#finish({ error })
        // A failure that nobody awaits or iterates must not pass in silence.
        if (!this.#claimed) throw error
      },
    )
  }

  async #open(given: TrainOptions, from: string | undefined, hooks: Hooks): Promise<RunSession> {
    if (hooks.signal?.aborted) throw abortError(hooks.signal, 'Training')
    const { openSession } = await import('./open-session.ts')
    const session = await openSession(given, from, hooks)
    this.#folder = session.folder
    return session
  }

  #finish(end: { error?: unknown }): void {
    this.#end = end
    for (const reader of this.#readers) reader.finish(end)
    this.#readers.clear()
  }

  /** The run folder, an absolute path; undefined until the data is read and the folder made. */
  get folder(): string | undefined {
    return this.#folder
  }

  // biome-ignore lint/suspicious/noThenProperty: a run is awaitable by design
  then<A = Model, B = never>(
    done?: ((model: Model) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#claimed = true
    return this.#model.then(done, failed)
  }

  [Symbol.asyncIterator](): AsyncIterator<Status> {
    const reader = new StatusReader<Status>(() => this.#readers.delete(reader))
    this.#claimed = true
    if (this.#end) reader.finish(this.#end)
    else this.#readers.add(reader)
    return reader
  }

  /** Ends after the running unit, saves a checkpoint, and resolves with the model. */
  async stop(): Promise<Model> {
    this.#claimed = true
    const session = await this.#session
    session.stop()
    return this.#model
  }

  /** Saves a checkpoint at the end of the running unit; resolves with its folder. */
  async checkpoint(): Promise<string> {
    return (await this.#session).checkpoint()
  }

  /** Samples while training goes on, with the weights as they are when the job is awaited, saved or iterated. */
  sample(options: SampleCall = {}): SampleJob {
    return new SampleJob(async () => (await this.#session).sample(options))
  }
}

/** Starts a training run. Wrong options reject the run with OPTION_INVALID. */
export function train(options: TrainCall = {}): TrainingRun {
  return new TrainingRun(options)
}
