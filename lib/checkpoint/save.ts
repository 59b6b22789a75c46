/** Saves a checkpoint so that a kill at any moment leaves this one complete or the one before untouched. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, ShinsakuError } from '../errors.ts'
import {
  makeNewFolder,
  makeSubfolderDurable,
  move,
  remove,
  syncFolder,
  toJson,
  type Written,
  writeDurable,
  writeNew,
} from '../files/write.ts'
import type { TensorInfo } from '../native/addon.ts'
import { safetensorsBytes, writeSafetensors } from '../safetensors/safetensors.ts'
import { version } from '../system/version.ts'
import { type CheckpointPlace, listCheckpoints } from './find.ts'
import { milestonesAmong } from './milestones.ts'
import {
  type CheckpointState,
  checkpointsFolder,
  type Manifest,
  makeManifest,
  manifestFile,
  modelFile,
  type Origin,
  positionName,
  stateFile,
  stateSchema,
  trainingFile,
} from './records.ts'
import { requireSpace } from './space.ts'
import { isTrainingState } from './state-names.ts'
import { looksComplete, verifyCheckpoint } from './verify.ts'

export type SaveRequest = {
  state: CheckpointState
  origin: Origin
  /** All tensors of the trainer; which file each goes to follows from its name. */
  tensors: readonly TensorInfo[]
  readTensor: (name: string) => Promise<Uint8Array>
  /** Complete checkpoints to keep, this one among them; Infinity keeps all. */
  keep: number
  /**
   * Keeps the first one of each doubling of the images as well, and the last one before the images `before`, where that
   * is given.
   */
  milestones?: { before: number | undefined }
  /** Called before the checkpoint is published; throws where this process may no longer write into the run. */
  requireOwned?: () => Promise<void>
  /** Called with one line where an old checkpoint could not be deleted or a damaged one was moved aside. */
  onWarning?: (line: string) => void
}

export type Saved = { folder: string; bytes: number }

/** Folders whose name begins with this are unfinished or given up; nothing reads them. */
const TEMPORARY = '.tmp-'

/**
 * Saves a checkpoint; when this resolves, it survives a power cut. A complete checkpoint of the same position is
 * kept as it is. Only one process may save into a run: hold its lock. Throws DISK_FULL, FILE_FAILED,
 * CHECKPOINT_INVALID (for a state that could not be read back), or what `readTensor` throws, which must be where a tensor
 * holds NaN: what is saved once with NaN in it is NaN for ever.
 */
export async function saveCheckpoint(run: string, request: SaveRequest): Promise<Saved> {
  const parent = checkpointsFolder(run)
  const folder = join(parent, positionName(request.state.images))
  await makeSubfolderDurable(parent)
  await removeTemporaries(parent, request)
  const manifest = (await completeAt(run, folder, request)) ?? (await publish(parent, folder, request))
  await syncFolder(parent)
  await writeDurable(
    join(parent, 'latest.json'),
    toJson({ images: manifest.images, folder: positionName(manifest.images) }),
  )
  await prune(run, manifest.images, request)
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0)
  return { folder, bytes }
}

/** Tensors by the file that they go to. */
const sorted = (tensors: readonly TensorInfo[]) => ({
  model: tensors.filter(({ name }) => !isTrainingState(name)),
  training: tensors.filter(({ name }) => isTrainingState(name)),
})

/** What a checkpoint of these tensors takes on disk, but for its small records. */
export function checkpointBytes(tensors: readonly TensorInfo[]): number {
  const { model, training } = sorted(tensors)
  return safetensorsBytes(model) + safetensorsBytes(training)
}

async function removeTemporaries(parent: string, { onWarning }: SaveRequest): Promise<void> {
  const names = await readdir(parent).catch((cause) => {
    throw fileError('read', parent, cause)
  })
  for (const name of names.filter((other) => other.startsWith(TEMPORARY))) {
    await remove(join(parent, name)).catch((error: Error) =>
      onWarning?.(`An unfinished checkpoint could not be deleted: ${error.message}`),
    )
  }
}

/** The complete checkpoint that has this position already; a damaged one is moved out of the way. */
async function completeAt(run: string, folder: string, { onWarning }: SaveRequest): Promise<Manifest | undefined> {
  const places = await listCheckpoints(run)
  if (!places.some((place) => place.folder === folder)) return undefined
  try {
    return await verifyCheckpoint(folder)
  } catch (error) {
    if (!(error instanceof ShinsakuError) || error.code !== 'CHECKPOINT_INVALID') throw error
    const aside = `${folder}.damaged-${Date.now()}`
    await move(folder, aside)
    onWarning?.(`${error.message}. It was moved to ${aside}.`)
    return undefined
  }
}

async function publish(parent: string, folder: string, request: SaveRequest): Promise<Manifest> {
  const { state, origin, tensors, readTensor } = request
  const checked = stateSchema.safeParse(state)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new ShinsakuError(
      'CHECKPOINT_INVALID',
      `The state at ${state.images} images was not saved, because it could not be read back: ${issue?.path.join('.')}: ${issue?.message}`,
    )
  }
  const { model, training } = sorted(tensors)
  await requireSpace(parent, checkpointBytes(tensors))
  const temporary = join(parent, `${TEMPORARY}${positionName(state.images)}-${process.pid}`)
  try {
    await makeNewFolder(temporary)
    const write = (name: string, list: readonly TensorInfo[]): Promise<Written> =>
      writeSafetensors(join(temporary, name), list, readTensor)
    const files = {
      [modelFile]: await write(modelFile, model),
      [trainingFile]: await write(trainingFile, training),
      [stateFile]: await writeNew(join(temporary, stateFile), toJson(checked.data)),
    }
    const manifest = makeManifest(version, state.images, origin, files)
    await writeNew(join(temporary, manifestFile), toJson(manifest))
    await syncFolder(temporary)
    await request.requireOwned?.()
    await move(temporary, folder)
    return manifest
  } catch (error) {
    // Tried again at the next save; the failure that counts is the first one.
    await remove(temporary).catch(() => {})
    throw error
  }
}

/** Positions of complete checkpoints up to the one just saved, ascending. */
async function completePositions(places: readonly CheckpointPlace[], saved: number): Promise<number[]> {
  const complete: number[] = []
  for (const { folder, images } of places)
    if (images === saved || (images < saved && (await looksComplete(folder)))) complete.push(images)
  return complete
}

/**
 * Deletes what is older than the `keep` newest complete checkpoints, counted from the one just saved, but for those that
 * `milestones` asks to keep. Newer ones are not its affair.
 */
async function prune(run: string, saved: number, { keep, milestones, onWarning }: SaveRequest): Promise<void> {
  const places = await listCheckpoints(run)
  const complete = await completePositions(places, saved)
  const kept = new Set(complete.slice(-keep))
  if (milestones) {
    for (const images of milestonesAmong(complete)) kept.add(images)
    const { before } = milestones
    const best = before === undefined ? undefined : complete.findLast((images) => images < before)
    if (best !== undefined) kept.add(best)
  }
  // Those newer than the oldest of the kept newest that are damaged may be looked into; older ones go.
  const oldest = complete.slice(-keep)[0]!
  for (const { folder, images } of places) {
    if (images >= oldest || kept.has(images)) continue
    // Renamed first: a kill while deleting must not leave a folder that looks like a damaged checkpoint.
    const doomed = join(checkpointsFolder(run), `${TEMPORARY}old-${positionName(images)}`)
    await move(folder, doomed)
      .then(() => remove(doomed))
      .catch((error: Error) => onWarning?.(`An old checkpoint could not be deleted: ${error.message}`))
  }
}
