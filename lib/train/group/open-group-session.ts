/** A run of several processes, ready to train, as one of them has it. */
import type { Launch } from '../../distributed/environment.ts'
import { loadNative } from '../../native/load.ts'
import type { TrainOptions } from '../../options/types.ts'
import type { Hooks } from '../open-trainer.ts'
import type { RunSession } from '../session.ts'
import type { SessionDeps } from '../session-deps.ts'
import { agree } from './agreement.ts'
import { joinGroup } from './group.ts'
import { LeadSession } from './lead.ts'
import { openFollower } from './open-follower.ts'
import { comparable } from './start.ts'

/**
 * Meets the other processes, refuses those that were given other options, and opens the run: rank 0 by `openDeps`, the
 * others after it. Rejects as train() does before its first update, and with DISTRIBUTED_INVALID, PROCESS_LOST,
 * PROCESSES_DIFFER.
 */
export async function openGroupSession(
  launch: Launch,
  given: TrainOptions,
  from: string | undefined,
  hooks: Hooks,
  openDeps: (hooks: Hooks) => Promise<SessionDeps>,
): Promise<RunSession> {
  const native = await loadNative(hooks.onLog)
  const group = await joinGroup(native.addon, launch)
  try {
    await agree(group, 'options', comparable(given), hooks.signal)
    if (!group.leads) return await openFollower(group, native, given, from, hooks)
    const deps = await openDeps({ ...hooks, group })
    await group.tell('start', { placement: deps.placement, folder: deps.folder })
    return new LeadSession(deps, group)
  } catch (error) {
    await group.leave(error)
    throw error
  }
}
