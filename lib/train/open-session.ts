/** A run new or resumed, ready to train: what train() loads when it is called. */
import { withAbsolutePaths } from '../options/paths.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { TrainOptions } from '../options/types.ts'
import { newRun } from './new-run.ts'
import type { Hooks } from './open-trainer.ts'
import { findResumed } from './resume-options.ts'
import { resumeRun } from './resume-run.ts'
import { Session } from './session.ts'

/** Relative paths are those of the folder `from`. Rejects as `train()` does before its first update. */
export async function openSession(given: TrainOptions, from: string | undefined, hooks: Hooks): Promise<Session> {
  const options = withAbsolutePaths(resolveTrain(given), from)
  const resumed = await findResumed(given, options, hooks.onLog)
  const deps = resumed
    ? // What an older version has stored may be relative.
      await resumeRun({ ...resumed, options: withAbsolutePaths(resumed.options, from) }, hooks)
    : await newRun({ ...given, out: options.out }, options, hooks)
  return new Session(deps)
}
