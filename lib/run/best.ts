/** The best checkpoint of a run as far as the copy guard can tell: the last one before it first warned of copies. */
import { listCheckpoints, newestValidCheckpoint, type ValidCheckpoint } from '../checkpoint/find.ts'
import type { Need } from '../checkpoint/verify.ts'
import { firstWarning, readGuardLooks } from './guard-records.ts'

const shown = (images: number): string => images.toLocaleString('en-US')

/**
 * The newest complete checkpoint before the first warning of copies, and in words why it is this one. Without a warning,
 * the newest of all; with none before it, the oldest. Throws RUN_NOT_FOUND, RUN_INVALID, CHECKPOINT_INVALID.
 */
export async function bestCheckpoint(run: string, need: Need = 'all'): Promise<ValidCheckpoint & { note: string }> {
  const looks = await readGuardLooks(run)
  const warning = firstWarning(looks)
  if (warning === undefined) {
    const newest = await newestValidCheckpoint(run, { need })
    const why =
      looks.length === 0
        ? 'the copy guard has not looked at this run, so nothing speaks for an earlier one'
        : `the copy guard has warned of no copies in ${looks.length} looks`
    return { ...newest, note: `The newest checkpoint: ${why}.` }
  }
  const [oldest] = await listCheckpoints(run)
  const none = oldest !== undefined && oldest.images >= warning
  const upTo = none ? oldest.images : warning - 1
  const best = await newestValidCheckpoint(run, { upTo, need })
  const note = none
    ? `The copy guard warned of copies at ${shown(warning)} images, and no checkpoint from before is kept: this is the oldest.`
    : `The last checkpoint before the copy guard warned of copies, at ${shown(warning)} images.`
  return { ...best, note }
}
