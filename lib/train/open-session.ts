/** A run new or resumed, ready to train: what train() loads when it is called. */
import { readLaunch } from '../distributed/environment.ts'
import { withAbsolutePaths } from '../options/paths.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { TrainOptions } from '../options/types.ts'
import { openGroupSession } from './group/open-group-session.ts'
import { newRun } from './new-run.ts'
import type { Hooks } from './open-trainer.ts'
import { findResumed } from './resume-options.ts'
import { resumeRun } from './resume-run.ts'
import { type RunSession, Session } from './session.ts'
import type { SessionDeps } from './session-deps.ts'

/** Relative paths are those of the folder `from`. Rejects as `train()` does before its first update. */
export async function openSession(given: TrainOptions, from: string | undefined, hooks: Hooks): Promise<RunSession> {
  const launch = readLaunch()
  if (!launch) return new Session(await openDeps(given, from, hooks))
  return openGroupSession(launch, given, from, hooks, (joined) => openDeps(given, from, joined))
}

async function openDeps(given: TrainOptions, from: string | undefined, hooks: Hooks): Promise<SessionDeps> {
  const options = withAbsolutePaths(resolveTrain(given), from)
  const resumed = await findResumed(given, options, hooks.onLog)
  return resumed
    ? // What an older version has stored may be relative.
      resumeRun({ ...resumed, options: withAbsolutePaths(resumed.options, from) }, hooks)
    : newRun({ ...given, out: options.out }, options, hooks)
}
