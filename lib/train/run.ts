/** A training run as its caller holds it: awaitable, iterable, stoppable. */
import type { DataProgress } from '../data/dataset.ts'
import { abortError } from '../errors.ts'
import { withAbsolutePaths, workingFolder } from '../options/paths.ts'
import type { TrainOptions } from '../options/types.ts'
import { SampleJob } from '../sampling/job.ts'
import type { Model, SampleCall } from '../sampling/model.ts'
import { Followed } from './followed.ts'
import type { Hooks } from './open-trainer.ts'
import type { Phase } from './phases.ts'
import type { RunSession } from './session.ts'
import type { Status } from './status.ts'

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
export class TrainingRun extends Followed<Status> {
  readonly #session: Promise<RunSession>
  #folder: string | undefined

  constructor({ signal, onLog, onData, onPhase = () => {}, ...options }: TrainCall) {
    super()
    const begunAt = performance.now()
    const from = workingFolder()
    const hooks = { signal, onLog, onData, onPhase, onStatus: (status: Status) => this.tell(status), begunAt }
    this.#session = this.#open(withAbsolutePaths(options, from), from, hooks)
    this.follow(this.#session.then((session) => session.train()))
  }

  async #open(given: TrainOptions, from: string | undefined, hooks: Hooks): Promise<RunSession> {
    if (hooks.signal?.aborted) throw abortError(hooks.signal, 'Training')
    const { openSession } = await import('./open-session.ts')
    const session = await openSession(given, from, hooks)
    this.#folder = session.folder
    return session
  }

  /** The run folder, an absolute path; undefined until the data is read and the folder made. */
  get folder(): string | undefined {
    return this.#folder
  }

  /** Ends after the running unit, saves a checkpoint, and resolves with the model. */
  async stop(): Promise<Model> {
    const model = this.claim()
    const session = await this.#session
    session.stop()
    return model
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
