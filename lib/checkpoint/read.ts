/** Opens a checkpoint for loading. */
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { readJson } from '../files/read.ts'
import { openSafetensors, type SafetensorsReader } from '../safetensors/safetensors.ts'
import { type CheckpointState, type Manifest, modelFile, stateFile, stateSchema, trainingFile } from './records.ts'
import { asDamage, damaged, verifyCheckpoint } from './verify.ts'

/** What is needed to sample. */
export type SavedWeights = {
  state: CheckpointState
  manifest: Manifest
  /** Weights, raw and averaged. */
  model: SafetensorsReader
  close(): Promise<void>
}

export type Checkpoint = SavedWeights & {
  /** What only a resumed run needs. */
  training: SafetensorsReader
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
 * Opens the weights of a checkpoint that was verified for them; they can be read until they are closed, even where the run
 * deletes the checkpoint meanwhile. Throws CHECKPOINT_INVALID.
 */
export async function readWeights(folder: string, manifest: Manifest): Promise<SavedWeights> {
  const state = await readJson(join(folder, stateFile), stateSchema, 'CHECKPOINT_INVALID')
  if (state.images !== manifest.images)
    throw damaged(folder, `${stateFile} is that of a checkpoint at ${state.images} images`)
  const model = await openTensors(folder, modelFile)
  return { state, manifest, model, close: () => model.close() }
}

/**
 * Opens a checkpoint after checking every byte of it, unless `verified` is what verifyCheckpoint() returned for it.
 * Throws CHECKPOINT_INVALID.
 */
export async function readCheckpoint(folder: string, verified?: Manifest): Promise<Checkpoint> {
  const manifest = verified ?? (await verifyCheckpoint(folder))
  const weights = await readWeights(folder, manifest)
  try {
    const training = await openTensors(folder, trainingFile)
    const close = async () => {
      await Promise.all([weights.close(), training.close()])
    }
    return { ...weights, training, close }
  } catch (error) {
    await weights.close()
    throw error
  }
}
