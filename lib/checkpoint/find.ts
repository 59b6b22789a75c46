/** The checkpoints of a run, and the newest one that can be trusted. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, ShinsakuError, throwIfAny } from '../errors.ts'
import { checkpointsFolder, type Manifest, positionName, positionOf } from './records.ts'
import { type Need, verifyCheckpoint } from './verify.ts'

export type CheckpointPlace = { images: number; folder: string }

/** Every folder that is named like a checkpoint, oldest first; whether they are complete is not looked at. */
export async function listCheckpoints(run: string): Promise<CheckpointPlace[]> {
  const parent = checkpointsFolder(run)
  let names: string[]
  try {
    names = await readdir(parent)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw fileError('read', parent, cause)
  }
  return names
    .map(positionOf)
    .filter((images) => images !== undefined)
    .sort((a, b) => a - b)
    .map((images) => ({ images, folder: join(parent, positionName(images)) }))
}

export type ValidCheckpoint = { folder: string; manifest: Manifest }

type FindOptions = {
  /** Called with one line for each newer checkpoint that is damaged. */
  onSkipped?: (line: string, error: ShinsakuError) => void
  /** What it is to be used for; all of it where this is absent. */
  need?: Need
  /** Only those after so many images at most. */
  upTo?: number
}

/**
 * The newest checkpoint whose every byte is as it was saved. Damaged ones are left where they are.
 * Throws RUN_NOT_FOUND where there is none at all, CHECKPOINT_INVALID where all are damaged.
 */
export async function newestValidCheckpoint(
  run: string,
  { onSkipped, need, upTo = Number.POSITIVE_INFINITY }: FindOptions = {},
): Promise<ValidCheckpoint> {
  const places = (await listCheckpoints(run)).filter(({ images }) => images <= upTo).reverse()
  if (places.length === 0) {
    throw new ShinsakuError('RUN_NOT_FOUND', `${run} is not a run folder with a checkpoint`, {
      hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons.',
    })
  }
  const errors: ShinsakuError[] = []
  for (const { folder } of places) {
    try {
      return { folder, manifest: await verifyCheckpoint(folder, need) }
    } catch (error) {
      if (!(error instanceof ShinsakuError) || error.code !== 'CHECKPOINT_INVALID') throw error
      errors.push(error)
      onSkipped?.(`${error.message}. Looking at the one before it.`, error)
    }
  }
  const lines = errors.map((error) => `  ${error.message}`)
  throw new ShinsakuError('CHECKPOINT_INVALID', `No checkpoint of ${run} is complete:\n${lines.join('\n')}`, {
    cause: errors[0],
  })
}

/** The checkpoint after exactly so many images, verified. Throws OPTION_INVALID where there is none, CHECKPOINT_INVALID. */
export async function checkpointAt(run: string, images: number, need?: Need): Promise<ValidCheckpoint> {
  const places = await listCheckpoints(run)
  const place = places.find((known) => known.images === images)
  if (place) return { folder: place.folder, manifest: await verifyCheckpoint(place.folder, need) }
  // Without any at all this is no run, which is what is said then.
  if (places.length === 0) return newestValidCheckpoint(run)
  const known = places.map((other) => other.images).join(', ')
  return throwProblem(`there is no checkpoint at ${images} images in ${run}; there are: ${known}`)
}

function throwProblem(message: string): never {
  throwIfAny([{ path: 'at', message }])
  throw new TypeError(message)
}
