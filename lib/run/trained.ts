/** The newest complete checkpoint of a run, with the options it was trained with. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { checkpointAt, newestValidCheckpoint } from '../checkpoint/find.ts'
import { readWeights, type SavedWeights } from '../checkpoint/read.ts'
import { type Manifest, positionOf } from '../checkpoint/records.ts'
import { verifyCheckpoint } from '../checkpoint/verify.ts'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import { bestCheckpoint } from './best.ts'
import { readConfig } from './directory.ts'

/** A run, one of its checkpoints, and that checkpoint's verified manifest. */
export type TrainedPlace = { run: string; folder: string; manifest: Manifest; note?: string }

/** Which checkpoint of a run: one after so many images, the newest, or the last one before the copy guard first warned of copies. */
export type At = 'newest' | 'best' | number

/** Throws RUN_NOT_FOUND where there is no folder. */
export async function requireFolder(path: string): Promise<void> {
  const known = await stat(path).catch(() => undefined)
  if (!known?.isDirectory()) {
    throw new ShinsakuError('RUN_NOT_FOUND', known ? `${path} is not a folder` : `There is no ${path}`, {
      hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons, or a file of a PyTorch program.',
    })
  }
}

/** The run and the checkpoint that a path means, its weights verified. `note`: why it is this one, where "best" was asked for. */
export async function locateTrained(path: string, at: At = 'newest'): Promise<TrainedPlace> {
  await requireFolder(path)
  const position = positionOf(basename(resolve(path)))
  if (position !== undefined) {
    if (at !== 'newest' && at !== position)
      throwIfAny([{ path: 'at', message: `chooses among the checkpoints of a run, but ${path} is one of them` }])
    return { run: dirname(dirname(resolve(path))), folder: path, manifest: await verifyCheckpoint(path, 'weights') }
  }
  if (at === 'newest') return { run: path, ...(await newestValidCheckpoint(path, { need: 'weights' })) }
  if (at === 'best') return { run: path, ...(await bestCheckpoint(path, 'weights')) }
  return { run: path, ...(await checkpointAt(path, at, 'weights')) }
}

/** The options that a run was trained with, complete. Throws RUN_INVALID, OPTION_INVALID. */
export const trainedOptions = async (run: string): Promise<ResolvedTrainOptions> =>
  resolveTrain((await readConfig(run)) as AnyTrainOptions)

/** The checkpoint that a path means, open for reading, and the options it was trained with. */
export async function openTrained(path: string): Promise<{ options: ResolvedTrainOptions; checkpoint: SavedWeights }> {
  const place = await locateTrained(path)
  const options = await trainedOptions(place.run)
  return { options, checkpoint: await readWeights(place.folder, place.manifest) }
}
