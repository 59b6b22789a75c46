/** One process per run folder. */
import { ShinsakuError } from '../errors.ts'
import { type Holder, isLock, LOCK_SILENCE_MS, type Lock, lockHolder, takeLock } from '../files/lock.ts'

const lockName = 'lock'

/** The living process that trains in a run folder, if one does. */
export const trainingIn = (folder: string): Promise<Holder | undefined> => lockHolder(folder, lockName)

function nameOf({ pid, here }: Holder): string {
  if (!here) return `Process ${pid} of another container or machine`
  return pid === process.pid ? 'This process' : `Process ${pid}`
}

/** Takes the lock of a run folder; locks of dead processes are removed. Throws RUN_LOCKED. */
export async function lockRun(folder: string): Promise<Lock> {
  const lock = await takeLock(folder, lockName)
  if (isLock(lock)) return lock
  const { pid, here } = lock
  const silence = `; if it was killed, try again: ${LOCK_SILENCE_MS / 1000} seconds after it was last heard of the run is free`
  throw new ShinsakuError('RUN_LOCKED', `${nameOf(lock)} is training in ${folder} already`, {
    hint: `Wait for it, stop it, or start a new run by leaving out resume${here ? '' : silence}.`,
    details: { folder, pid, here },
  })
}

/** Throws RUN_LOCKED where another process has taken the run from this one, which must write nothing more into it. */
export async function requireHeld(lock: Lock, folder: string): Promise<void> {
  if (await lock.isHeld()) return
  throw new ShinsakuError('RUN_LOCKED', `Another process has taken over ${folder}, as this one was silent too long`, {
    hint: `A process that stands still for more than ${LOCK_SILENCE_MS / 1000} seconds loses its run to one in another container or on another machine. Nothing was written since; go on with resume once the other one has ended.`,
    details: { folder },
  })
}
