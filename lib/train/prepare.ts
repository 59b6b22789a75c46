/** Makes everything a run needs before its first update: device, pictures, folder, trainer; new or resumed. */
import { newestValidCheckpoint } from '../checkpoint/find.ts'
import { readCheckpoint } from '../checkpoint/read.ts'
import { saveCheckpoint } from '../checkpoint/save.ts'
import { type Dataset, loadDataset } from '../dataset/dataset.ts'
import { abortError, ShinsakuError } from '../errors.ts'
import { Model } from '../model.ts'
import type { ModelDefinition } from '../models/model.ts'
import { models } from '../models/table.ts'
import type { NativeTrainer } from '../native/addon.ts'
import { resolveDevice } from '../native/device.ts'
import { type Loaded, loadNative } from '../native/load.ts'
import { type Placement, placeOn, toSpec } from '../native/spec.ts'
import { openModel } from '../open.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import { createRunDirectory, openRunDirectory, type RunDirectory, runName } from '../run/directory.ts'
import { openEvents } from '../run/events.ts'
import { environment } from './environment.ts'
import { Journal } from './journal.ts'
import { drawPreview, writeReals } from './previews.ts'
import { findResumed, type Resumed, requireSameData } from './resume.ts'
import { Session, type SessionParts } from './session.ts'
import type { Status } from './status.ts'

/** What a caller wants to hear and may say; undefined where they did not ask. */
export type Hooks = {
  signal: AbortSignal | undefined
  onLog: ((line: string) => void) | undefined
  onStatus: (status: Status) => void
}

type Start = SessionParts['start']

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
  await addon.setThreads(options.threads)
  const images = await addon.images(data.pixels, [data.count, data.size, data.size, data.channels], placement.device)
  try {
    return await addon.trainer(toSpec(options, placement), images)
  } finally {
    images.dispose()
  }
}

/** Brings a trainer to the newest complete checkpoint of its run. */
async function restore(run: string, trainer: NativeTrainer, log: (line: string) => void): Promise<Start> {
  const { folder, manifest } = await newestValidCheckpoint(run, { onSkipped: log })
  const checkpoint = await readCheckpoint(folder, manifest)
  try {
    const missing = new Set((await trainer.tensors()).map(({ name }) => name))
    for (const reader of [checkpoint.model, checkpoint.training]) {
      for (const info of reader.tensors) {
        await trainer.load([{ ...info, bytes: await reader.read(info.name) }])
        missing.delete(info.name)
      }
    }
    if (missing.size > 0) {
      throw new ShinsakuError(
        'CHECKPOINT_MISMATCH',
        `${folder} lacks ${missing.size} tensors that the network needs, such as ${[...missing][0]}`,
      )
    }
    log(`Going on from ${folder}`)
    return checkpoint.state
  } finally {
    await checkpoint.close()
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
  data: Dataset,
  resumed: Resumed | undefined,
): Promise<void> {
  if (resumed) requireSameData(directory.path, await directory.readDataset(), data.manifest)
  else await directory.writeDataset(data.manifest)
  await directory.writeConfig(options)
  await directory.writeEnvironment(await environment(native, placement))
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
    `Model: ${options.model}, device ${placement.device}, ${placement.precision}, ${placement.ops} operations, ${threads} threads`,
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
    device: placement.device,
    images,
    run,
    generator: (weights) => trainer.generator(weights),
  })
}

/**
 * Prepares a run. Whatever fails here leaves no run folder behind that was not there, except where the folder
 * was made already; its lock is released in any case.
 */
export async function prepare(given: TrainOptions, { signal, onLog, onStatus }: Hooks): Promise<Session> {
  const asked = resolveTrain(given)
  const resumed = await findResumed(given, asked)
  const options = resumed?.options ?? asked
  const native = await loadNative(onLog)
  const placement = placeOn(await resolveDevice(options.device), options.precision)
  const data = await loadDataset(options, signal ? { signal } : {})
  const trainer = await makeTrainer(native, options, placement, data)
  let directory: RunDirectory | undefined
  let journal: Journal | undefined
  try {
    if (signal?.aborted) throw abortError(signal, 'Training')
    directory = await openDirectory(options, resumed)
    journal = new Journal(directory, await openEvents(directory.path, Date.now() / 1000), onLog)
    const log = (line: string) => journal?.log(line)
    const { threads } = await native.addon.info()
    describeStart(log, options, placement, data, directory.path, threads)
    await writeRecords(directory, native, options, placement, data, resumed)
    const start = resumed ? await restore(resumed.run, trainer, log) : fresh
    if (resumed) await directory.truncateMetrics(start.images)
    else await writeReals(directory, journal, data)
    return new Session(parts({ directory, journal, trainer, options, placement, start, onStatus, signal }))
  } catch (error) {
    trainer.dispose()
    await journal?.close()
    await directory?.close()
    throw error
  }
}

type Made = Pick<SessionParts, 'trainer' | 'journal' | 'options' | 'start' | 'onStatus' | 'signal'> & {
  directory: RunDirectory
  placement: Placement
}

/** What the loop calls back into. */
function parts({ directory, placement, ...made }: Made): SessionParts {
  const { trainer, journal, options } = made
  const definition: ModelDefinition = models[options.model]
  const run = directory.path
  const withSnapshot = async <T>(images: number, use: (model: Model) => PromiseLike<T>): Promise<T> => {
    const model = snapshotModel(trainer, options, placement, run, images)
    return Promise.resolve(use(model)).finally(() => model.dispose())
  }
  return {
    ...made,
    folder: run,
    imagesPerUpdate: definition.imagesPerUpdate(options),
    async save(counters, pending) {
      const saved = await saveCheckpoint(run, {
        state: { ...counters, pending },
        tensors: await trainer.tensors(),
        readTensor: (name) => trainer.tensor(name),
        keep: options.keep,
        onWarning: (line) => journal.log(`Warning: ${line}`),
      })
      journal.log(`Checkpoint: ${saved.folder}`)
      return saved.folder
    },
    preview: (images) => withSnapshot(images, (model) => drawPreview(directory, journal, model, images)),
    sample: (call, images) => withSnapshot(images, (model) => model.sample(call)),
    finish: () => openModel(run, { device: options.device, threads: options.threads }),
    async close() {
      trainer.dispose()
      await journal.close().finally(() => directory.close())
    },
  }
}
