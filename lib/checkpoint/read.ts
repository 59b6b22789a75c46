/** Opens a checkpoint for loading. */
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { readJson } from '../files/read.ts'
import { openSafetensors, type SafetensorsReader } from '../safetensors/safetensors.ts'
import { type CheckpointState, type Manifest, modelFile, stateFile, stateSchema, trainingFile } from './records.ts'
import { asDamage, damaged, verifyCheckpoint } from './verify.ts'

export type Checkpoint = {
  state: CheckpointState
  manifest: Manifest
  /** Weights, raw and averaged. */
  model: SafetensorsReader
  /** What only a resumed run needs. */
  training: SafetensorsReader
  close(): Promise<void>
}

async function openTensors(folder: string, name: string): Promise<SafetensorsReader> {
  try {
    return await openSafetensors(join(folder, name))
  } catch (error) {
    if (error instanceof ShinsakuError && error.code === 'SAFETENSORS_INVALID')
      throw damaged(folder, error.message, error)
    return asDamage(folder)(error)
  }
}

/**
 * Opens a checkpoint after checking every byte of it, unless `verified` is what verifyCheckpoint() returned for it.
 * Throws CHECKPOINT_INVALID.
 */
export async function readCheckpoint(folder: string, verified?: Manifest): Promise<Checkpoint> {
  const manifest = verified ?? (await verifyCheckpoint(folder))
  const state = await readJson(join(folder, stateFile), stateSchema, 'CHECKPOINT_INVALID')
  if (state.images !== manifest.images)
    throw damaged(folder, `${stateFile} is that of a checkpoint at ${state.images} images`)
  const model = await openTensors(folder, modelFile)
  try {
    const training = await openTensors(folder, trainingFile)
    const close = async () => {
      await Promise.all([model.close(), training.close()])
    }
    return { state, manifest, model, training, close }
  } catch (error) {
    await model.close()
    throw error
  }
}
