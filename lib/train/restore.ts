/** Brings a trainer and the records of its run to one and the same checkpoint. */
import { newestValidCheckpoint, type ValidCheckpoint } from '../checkpoint/find.ts'
import { readCheckpoint } from '../checkpoint/read.ts'
import type { CheckpointState } from '../checkpoint/records.ts'
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer, TensorInfo } from '../native/addon.ts'

/** The newest complete checkpoint; undefined for a run that ended before it saved its first. */
async function newestCheckpoint(run: string, log: (line: string) => void): Promise<ValidCheckpoint | undefined> {
  try {
    return await newestValidCheckpoint(run, { onSkipped: log })
  } catch (error) {
    if (error instanceof ShinsakuError && error.code === 'RUN_NOT_FOUND') return undefined
    throw error
  }
}

const ORDER = 'progress.order'
const POSITION = 'progress.position'
/** Place of the next picture's index in `progress.position`; native/core/data/data_loader.cc writes it. */
const NEXT_INDEX = 2

/** The position in the data, moved to the end of an epoch: the next batch begins one of `count` pictures. */
function atEndOfEpoch(position: Uint8Array, count: number): Uint8Array {
  const moved = Buffer.from(position)
  moved.writeBigInt64LE(BigInt(count), NEXT_INDEX * 8)
  return moved
}

type RestoreOptions = {
  log: (line: string) => void
  /** Other pictures than before, and how many: the epoch that was under way ends where it is. */
  otherPictures?: number
  /** Gives first values to what an imported checkpoint may lack; none for a run that started here. */
  initMissing?: (missing: readonly string[], images: number) => Promise<void>
}

/**
 * Loads the newest complete checkpoint of `run`; resolves with where it stands, or with undefined where the run
 * has none yet. Throws CHECKPOINT_INVALID, CHECKPOINT_MISMATCH.
 */
export async function restore(
  run: string,
  trainer: NativeTrainer,
  { log, otherPictures, initMissing }: RestoreOptions,
): Promise<CheckpointState | undefined> {
  const newest = await newestCheckpoint(run, log)
  if (!newest) return undefined
  const checkpoint = await readCheckpoint(newest.folder, newest.manifest)
  try {
    const missing = new Set((await trainer.tensors()).map(({ name }) => name))
    if (otherPictures !== undefined) missing.delete(ORDER)
    const load = async (info: TensorInfo, bytes: Uint8Array) => {
      missing.delete(info.name)
      await trainer.load([{ ...info, bytes }])
    }
    for (const reader of [checkpoint.model, checkpoint.training]) {
      for (const info of reader.tensors) {
        if (otherPictures === undefined) await load(info, await reader.read(info.name))
        else if (info.name === POSITION) await load(info, atEndOfEpoch(await reader.read(info.name), otherPictures))
        else if (info.name !== ORDER) await load(info, await reader.read(info.name))
      }
    }
    if (missing.size > 0 && initMissing) await initMissing([...missing], checkpoint.state.images)
    else if (missing.size > 0) {
      throw new ShinsakuError(
        'CHECKPOINT_MISMATCH',
        `${newest.folder} lacks ${missing.size} tensors that the network needs, such as ${[...missing][0]}`,
      )
    }
    log(`Going on from ${newest.folder}`)
    return checkpoint.state
  } finally {
    await checkpoint.close()
  }
}
