/** Going back to the newest checkpoint after a loss or a weight that is NaN: how often, and with which random numbers. */
import type { CheckpointState } from '../checkpoint/records.ts'
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer } from '../native/addon.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { initMissingLabels } from './init-missing-state.ts'
import { restore } from './restore.ts'
import type { RunLog } from './run-log.ts'

export type RollbackDeps = {
  options: Pick<ResolvedTrainOptions, 'maxRollbacks'>
  runLog: Pick<RunLog, 'log'>
  /** Brings trainer and records back to the newest checkpoint for this attempt; undefined where there is none. */
  restore(attempt: number): Promise<CheckpointState | undefined>
}

/** Counts attempts: they begin anew once a checkpoint lies further than the run ever came. */
export class Rollback {
  readonly #deps: RollbackDeps
  #attempts = 0
  /** The furthest images at which the run failed. */
  #failedAt = 0

  constructor(deps: RollbackDeps) {
    this.#deps = deps
  }

  /** Where the run goes on after `error` at `images`. Throws the error where it may not, or cannot. */
  async rollBack(error: ShinsakuError, images: number): Promise<CheckpointState> {
    const { options, runLog } = this.#deps
    const what = `${error.message}, after ${images} images`
    const state = this.#attempts < options.maxRollbacks ? await this.#deps.restore(this.#attempts + 1) : undefined
    if (!state) throw new ShinsakuError(error.code, this.#report(what), { cause: error, details: error.details })
    this.#attempts += 1
    this.#failedAt = Math.max(this.#failedAt, images)
    runLog.log(
      `Warning: ${what}. Went back to the checkpoint at ${state.images} images, with other random numbers (${this.#attempts} of ${options.maxRollbacks})`,
    )
    return state
  }

  /** A checkpoint was taken at `images`. */
  passed(images: number): void {
    if (images > this.#failedAt) this.#attempts = 0
  }

  #report(what: string): string {
    if (this.#attempts > 0) return `${what}; going back to a checkpoint has not helped, ${this.#attempts} times`
    return this.#deps.options.maxRollbacks > 0 ? `${what}; there is no checkpoint to go back to` : what
  }
}

/**
 * Brings the trainer and the records of `run` back to its newest checkpoint, with random numbers that no earlier
 * attempt has seen; undefined where there is none to go back to.
 */
export async function restoreForAttempt(
  attempt: number,
  run: string,
  trainer: NativeTrainer,
  runLog: RunLog,
  seed: number,
): Promise<CheckpointState | undefined> {
  const log = (line: string) => runLog.log(line)
  const state = await restore(run, trainer, {
    log,
    pictures: 'same',
    initMissing: (missing) => initMissingLabels(trainer, missing, log),
  }).catch((error) => {
    // One that was imported, or is of other pictures, lacks what a trainer under way needs.
    if (error instanceof ShinsakuError && error.code === 'CHECKPOINT_MISMATCH') return undefined
    throw error
  })
  if (!state) return undefined
  await runLog.rewind(state.images)
  // The same numbers would end as they did. Which ones come instead follows from the run alone.
  await trainer.reseed((seed + state.images + attempt) % Number.MAX_SAFE_INTEGER)
  return state
}
