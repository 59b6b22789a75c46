/** One process per run folder. */
import { ShinsakuError } from '../errors.ts'
import { type Lock, lockHolder, takeLock } from '../files/lock.ts'

const lockName = 'lock'

/** The living process on this machine that trains in a run folder, if one does. */
export const trainingIn = (folder: string): Promise<number | undefined> => lockHolder(folder, lockName)

/** Takes the lock of a run folder; locks of dead processes are removed. Throws RUN_LOCKED. */
export async function lockRun(folder: string): Promise<Lock> {
  const lock = await takeLock(folder, lockName)
  if (typeof lock !== 'number') return lock
  const who = lock === process.pid ? 'This process' : `Process ${lock}`
  throw new ShinsakuError('RUN_LOCKED', `${who} is training in ${folder} already`, {
    hint: 'Wait for it, stop it, or start a new run by leaving out resume.',
    details: { folder, pid: lock },
  })
}
