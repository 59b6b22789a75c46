/** Brings a trainer and the records of its run to one and the same checkpoint. */
import { newestValidCheckpoint, type ValidCheckpoint } from '../checkpoint/find.ts'
import { readCheckpoint } from '../checkpoint/read.ts'
import type { CheckpointState } from '../checkpoint/records.ts'
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer } from '../native/addon.ts'

/** The newest complete checkpoint; undefined for a run that ended before it saved its first. */
async function newestCheckpoint(run: string, log: (line: string) => void): Promise<ValidCheckpoint | undefined> {
  try {
    return await newestValidCheckpoint(run, { onSkipped: log })
  } catch (error) {
    if (error instanceof ShinsakuError && error.code === 'RUN_NOT_FOUND') return undefined
    throw error
  }
}

type RestoreOptions = {
  log: (line: string) => void
  /** Whether they are those of the checkpoint; of others the epoch that was under way ends where it is. */
  pictures: 'same' | 'other'
  /** Gives first values to what a checkpoint may lack; throws CHECKPOINT_MISMATCH for the rest. */
  initMissing: (missing: readonly string[], images: number) => Promise<void>
}

/**
 * Loads the newest complete checkpoint of `run`; resolves with where it stands, or with undefined where the run
 * has none yet. Throws CHECKPOINT_INVALID, CHECKPOINT_MISMATCH.
 */
export async function restore(
  run: string,
  trainer: NativeTrainer,
  { log, pictures, initMissing }: RestoreOptions,
): Promise<CheckpointState | undefined> {
  const newest = await newestCheckpoint(run, log)
  if (!newest) return undefined
  const checkpoint = await readCheckpoint(newest.folder, newest.manifest)
  try {
    const missing = new Set((await trainer.tensors()).map(({ name }) => name))
    for (const reader of [checkpoint.model, checkpoint.training]) {
      for (const info of reader.tensors) {
        await trainer.load([{ ...info, bytes: await reader.read(info.name) }], pictures)
        missing.delete(info.name)
      }
    }
    if (missing.size > 0) await initMissing([...missing], checkpoint.state.images)
    log(`Going on from ${newest.folder}`)
    return checkpoint.state
  } finally {
    await checkpoint.close()
  }
}
