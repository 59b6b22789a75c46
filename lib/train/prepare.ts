/** Makes everything a run needs before its first update: device, pictures, folder, trainer; new or resumed. */

import { resolveDevice } from '../backend/device.ts'
import { type Placement, placeOn, toSpec } from '../backend/placement.ts'
import { selectBackend } from '../backend/select.ts'
import { nameOf } from '../backend/trial.ts'
import { optionsDigest } from '../checkpoint/records.ts'
import { checkpointBytes, saveCheckpoint } from '../checkpoint/save.ts'
import { requireSpaceBelow } from '../checkpoint/space.ts'
import { type DataProgress, type Dataset, loadDataset } from '../data/dataset.ts'
import { abortError, ShinsakuError } from '../errors.ts'
import type { ModelDefinition } from '../models/model.ts'
import { models } from '../models/table.ts'
import type { NativeTrainer } from '../native/addon.ts'
import { type Loaded, loadNative } from '../native/load.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import {
  awaitsData,
  createRunDirectory,
  isImported,
  openRunDirectory,
  type RunDirectory,
  runName,
} from '../run/directory.ts'
import { openEvents } from '../run/events.ts'
import { Model } from '../sampling/model.ts'
import { openModel } from '../sampling/open.ts'
import { threadsFor } from '../system/cpus.ts'
import { withAdvice } from './advice.ts'
import { logData } from './data-log.ts'
import { environment, placementOnResume } from './environment.ts'
import { initMissingState } from './init-missing-state.ts'
import { drawPreview, lacksPreview, writeReals } from './previews.ts'
import { restore } from './restore.ts'
import { comparePictures, findResumed, type Resumed } from './resume.ts'
import { RunLog } from './run-log.ts'
import { Session, type SessionDeps } from './session.ts'
import { takeSnapshot } from './snapshot.ts'
import type { Status } from './status.ts'

/** What a caller wants to hear and may say; undefined where they did not ask. */
export type Hooks = {
  signal: AbortSignal | undefined
  onLog: ((line: string) => void) | undefined
  onData: ((progress: DataProgress) => void) | undefined
  onStatus: (status: Status) => void
}

type Start = SessionDeps['start']

const fresh: Start = { images: 0, updates: 0, epoch: 0, elapsedSeconds: 0, pending: { count: 0, sums: {} } }

/** Fewer pictures than a batch, or only one, is allowed; what it means is said. */
function batchWarning({ batch }: ResolvedTrainOptions, count: number): string | undefined {
  if (count === 1) return 'There is one picture only: the model will learn to draw that picture.'
  if (count < batch) return `There are ${count} pictures, fewer than a batch of ${batch}: each batch holds all of them.`
  return undefined
}

async function makeTrainer(
  { addon }: Loaded,
  options: ResolvedTrainOptions,
  placement: Placement,
  data: Dataset,
): Promise<NativeTrainer> {
  await addon.setThreads(threadsFor(options.threads))
  const images = await addon.images(data.pixels, [data.count, data.size, data.size, data.channels], placement.device)
  try {
    return await addon.trainer(toSpec(options, placement), images)
  } finally {
    images.dispose()
  }
}

/** The folder of the run with its records written, or as they are where it goes on. */
async function openDirectory(options: ResolvedTrainOptions, resumed: Resumed | undefined): Promise<RunDirectory> {
  if (resumed) return openRunDirectory(resumed.run)
  return createRunDirectory(options.out, runName(options.model, options.size, options.data))
}

async function writeRecords(
  directory: RunDirectory,
  native: Loaded,
  options: ResolvedTrainOptions,
  placement: Placement,
): Promise<void> {
  await directory.writeConfig(options)
  await directory.writeEnvironment(await environment(native, placement))
}

type Begin = { start: Start; previewStart: boolean }

/** A new run's data on record. */
async function beginNew(directory: RunDirectory, runLog: RunLog, data: Dataset): Promise<Begin> {
  await directory.writeDataset(data.manifest)
  await writeReals(directory, runLog, data)
  return { start: fresh, previewStart: true }
}

/**
 * Brings the trainer and the records of a resumed run to its newest complete checkpoint, or to its beginning where
 * it has none. What the run is on record with changes only after all of it fits.
 */
async function resumeRun(
  { run, options, changes }: Resumed,
  { directory, runLog, trainer, data }: Pick<Made, 'directory' | 'runLog' | 'trainer' | 'data'>,
): Promise<Begin> {
  const log = (line: string) => runLog.log(line)
  const meetsData = await awaitsData(run)
  const otherData = meetsData ? undefined : await comparePictures(directory, data.manifest, options.allowChanges)
  const state = await restore(run, trainer, {
    log,
    otherPictures: otherData === undefined ? undefined : data.count,
    begin: (await isImported(run))
      ? (missing, images) => initMissingState(trainer, missing, images, data.count, options.batch, log)
      : undefined,
  })
  for (const change of [...changes, ...(otherData ? [`pictures: ${otherData}`] : [])]) log(`Changed: ${change}`)
  if (!state) {
    log(`There is no checkpoint in ${run} yet: beginning at its start`)
    await directory.truncateRecords(-1)
    return beginNew(directory, runLog, data)
  }
  const tags = await directory.truncateRecords(state.images)
  if (otherData || meetsData) await directory.writeDataset(data.manifest)
  if (meetsData) await writeReals(directory, runLog, data)
  return { start: state, previewStart: await lacksPreview(directory, options, state.images, tags) }
}

function describeStart(
  log: (line: string) => void,
  options: ResolvedTrainOptions,
  placement: Placement,
  data: Dataset,
  folder: string,
  threads: number,
): void {
  log(`Run folder: ${folder}`)
  log(`Pictures: ${data.count} of ${data.size}x${data.size}, ${data.channels} channels`)
  for (const warning of [...data.warnings, batchWarning(options, data.count)]) if (warning) log(`Warning: ${warning}`)
  log(
    `Model: ${options.model}, device ${placement.device}, ${placement.precision}, ${threads} threads, operations: ${nameOf(placement)} to train, ${placement.samplingOps} to draw`,
  )
}

/** A model over the weights as they are now; its samples do not change while training goes on. */
function snapshotModel(
  trainer: NativeTrainer,
  options: ResolvedTrainOptions,
  placement: Placement,
  run: string,
  images: number,
): Model {
  return new Model({
    options,
    placement,
    images,
    run,
    generator: (weights) => trainer.generator(weights),
  })
}

/**
 * Prepares a run. Whatever fails here leaves no run folder behind that was not there, except where the folder
 * was made already; its lock is released in any case.
 */
export async function prepare(given: TrainOptions, { signal, onLog, onData, onStatus }: Hooks): Promise<Session> {
  const asked = resolveTrain(given)
  const resumed = await findResumed(given, asked)
  const options = resumed?.options ?? asked
  const native = await loadNative(onLog)
  const placed = placeOn(await resolveDevice(options.device), options, (await native.addon.info()).cpuOps)
  const { placement: planned, note } = resumed
    ? await placementOnResume(resumed.run, options.allowChanges, placed)
    : { placement: placed, note: undefined }
  const onProgress = onData ?? (onLog && logData(onLog))
  const data = await loadDataset(options, { ...(signal && { signal }), ...(onProgress && { onProgress }) })
  const found: string[] = []
  const advise = (error: unknown) => {
    throw withAdvice(error, options)
  }
  const placement = await selectBackend(native, options, planned, (line) => found.push(line)).catch(advise)
  const trainer = await makeTrainer(native, options, placement, data).catch(advise)
  let directory: RunDirectory | undefined
  let runLog: RunLog | undefined
  try {
    if (signal?.aborted) throw abortError(signal, 'Training')
    // Two of them lie side by side before the older one can go.
    await requireSpaceBelow(resumed?.run ?? options.out, 2 * checkpointBytes(await trainer.tensors()))
    directory = await openDirectory(options, resumed)
    runLog = new RunLog(directory, await openEvents(directory.path, Date.now() / 1000), onLog)
    const log = (line: string) => runLog?.log(line)
    const { threads } = await native.addon.info()
    found.forEach(log)
    describeStart(log, options, placement, data, directory.path, threads)
    if (note) log(note)
    const made = { directory, runLog, trainer, options, placement, data, onStatus, signal }
    const begin = resumed ? await resumeRun(resumed, made) : await beginNew(directory, runLog, data)
    await writeRecords(directory, native, options, placement)
    return new Session(parts({ ...made, ...begin }))
  } catch (error) {
    trainer.dispose()
    await runLog?.close()
    await directory?.close()
    throw error
  }
}

type Made = Pick<SessionDeps, 'trainer' | 'runLog' | 'options' | 'onStatus' | 'signal'> & {
  directory: RunDirectory
  placement: Placement
  data: Dataset
}

/** What the loop calls back into. */
function parts({ directory, placement, data, ...made }: Made & Begin): SessionDeps {
  const { trainer, runLog, options } = made
  const definition: ModelDefinition = models[options.model]
  const run = directory.path
  const origin = { options: optionsDigest(options), pictures: data.manifest.digest }
  const withSnapshot = async <T>(images: number, use: (model: Model) => PromiseLike<T>): Promise<T> => {
    const model = snapshotModel(trainer, options, placement, run, images)
    return Promise.resolve(use(model)).finally(() => model.dispose())
  }
  const { ops, graph, precision } = placement
  return {
    ...made,
    folder: run,
    computing: { ops, graph, precision },
    imagesPerUpdate: definition.imagesPerUpdate(options),
    mainLoss: definition.mainLoss,
    async save(counters, pending) {
      const { tensors, read } = await takeSnapshot(trainer)
      const write = async (): Promise<string> => {
        // Lines that belong before the checkpoint must be there when it is.
        await runLog.flush()
        const saved = await saveCheckpoint(run, {
          state: { ...counters, pending },
          origin,
          tensors,
          readTensor: read,
          keep: options.keepCheckpoints,
          onWarning: (line) => runLog.log(`Warning: ${line}`),
        })
        runLog.log(`Checkpoint: ${saved.folder}`)
        return saved.folder
      }
      return { written: write() }
    },
    async goBack(attempt) {
      const log = (line: string) => runLog.log(line)
      const state = await restore(run, trainer, { log, otherPictures: undefined, begin: undefined }).catch((error) => {
        // One that was imported, or is of other pictures, lacks what a trainer that has begun needs.
        if (error instanceof ShinsakuError && error.code === 'CHECKPOINT_MISMATCH') return undefined
        throw error
      })
      if (!state) return undefined
      await runLog.rewind(state.images)
      // The same numbers would end as they did. Which ones come instead follows from the run alone.
      await trainer.reseed((options.seed + state.images + attempt) % Number.MAX_SAFE_INTEGER)
      return state
    },
    preview: (images) => withSnapshot(images, (model) => drawPreview(directory, runLog, model, images)),
    sample: (call, images) => withSnapshot(images, (model) => model.sample(call)),
    finish: () => openModel(run, { device: options.device, threads: options.threads }),
    async close() {
      trainer.dispose()
      await runLog.close().finally(() => directory.close())
    },
  }
}
