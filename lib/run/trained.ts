/** The newest complete checkpoint of a run, with the options it was trained with. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { newestValidCheckpoint } from '../checkpoint/find.ts'
import { readWeights, type SavedWeights } from '../checkpoint/read.ts'
import { type Manifest, positionOf } from '../checkpoint/records.ts'
import { verifyCheckpoint } from '../checkpoint/verify.ts'
import { ShinsakuError } from '../errors.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import { readConfig } from './directory.ts'

/** A run, one of its checkpoints, and that checkpoint's verified manifest. */
export type TrainedPlace = { run: string; folder: string; manifest: Manifest }

/** The run and the checkpoint that a path means, its weights verified. */
export async function locateTrained(path: string): Promise<TrainedPlace> {
  const known = await stat(path).catch(() => undefined)
  if (!known?.isDirectory()) {
    throw new ShinsakuError('RUN_NOT_FOUND', known ? `${path} is not a folder` : `There is no ${path}`, {
      hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons, or a file of a PyTorch program.',
    })
  }
  if (positionOf(basename(resolve(path))) !== undefined) {
    return { run: dirname(dirname(resolve(path))), folder: path, manifest: await verifyCheckpoint(path, 'weights') }
  }
  return { run: path, ...(await newestValidCheckpoint(path, { need: 'weights' })) }
}

/** The options that a run was trained with, complete. Throws RUN_INVALID, OPTION_INVALID. */
export const trainedOptions = async (run: string): Promise<ResolvedTrainOptions> =>
  resolveTrain((await readConfig(run)) as TrainOptions)

/** The checkpoint that a path means, open for reading, and the options it was trained with. */
export async function openTrained(path: string): Promise<{ options: ResolvedTrainOptions; checkpoint: SavedWeights }> {
  const place = await locateTrained(path)
  const options = await trainedOptions(place.run)
  return { options, checkpoint: await readWeights(place.folder, place.manifest) }
}
