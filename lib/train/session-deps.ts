/** What the training loop calls: made of a trainer, and of the folder and the log of its run, which are opened here. */
import type { Placement } from '../backend/placement.ts'
import { nameOf } from '../backend/trial.ts'
import { listCheckpoints } from '../checkpoint/find.ts'
import { countMilestones } from '../checkpoint/milestones.ts'
import { type CheckpointState, optionsDigest } from '../checkpoint/records.ts'
import { checkpointBytes, saveCheckpoint } from '../checkpoint/save.ts'
import { requireSpaceBelow } from '../checkpoint/space.ts'
import { describeLabels, mirrorWarning } from '../data/labels/describe.ts'
import { abortError } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { Metrics } from '../native/addon.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { RunDirectory } from '../run/directory.ts'
import { openEvents } from '../run/events.ts'
import type { Model, SampleCall } from '../sampling/model.ts'
import { openModel } from '../sampling/open.ts'
import type { Sampling } from '../sampling/sampling.ts'
import type { CheckpointDeps, Save } from './checkpointer.ts'
import { copyTensors } from './copy-tensors.ts'
import { environment } from './environment.ts'
import type { Guard } from './guard.ts'
import { guardNotes } from './guard-text.ts'
import { liveModels } from './live-models.ts'
import { openGuard } from './open-guard.ts'
import type { Hooks, OpenTrainer } from './open-trainer.ts'
import type { OnPhase } from './phases.ts'
import { Prefetch } from './prefetch.ts'
import { writePreview } from './previews.ts'
import { type RollbackDeps, restoreForAttempt } from './rollback.ts'
import { RunLog } from './run-log.ts'
import type { Computing, Status } from './status.ts'
import type { TimekeeperDeps } from './timekeeper.ts'
import { Validation } from './validation.ts'

/** What the loop needs of the rest. */
export type SessionDeps = CheckpointDeps &
  RollbackDeps &
  TimekeeperDeps & {
    folder: string
    options: ResolvedTrainOptions
    computing: Computing
    runLog: Pick<RunLog, 'log' | 'record' | 'recordGuard'>
    /** The copy guard; null where it is off. */
    guard: Pick<Guard, 'look' | 'newest' | 'rewind' | 'warnedAt'> | null
    /** How often a classifier is right; null for other kinds. */
    validation: Pick<Validation, 'nextAt' | 'isDue' | 'measure' | 'newest' | 'write'> | null
    /** The most images one update sees. */
    imagesPerUpdate: number
    /** The series that is reported as the loss. */
    mainLoss: string
    /** Where training starts: nowhere, or at a checkpoint. */
    start: CheckpointState
    /** Whether the preview grid of the start is missing. */
    previewStart: boolean
    /** One unit of so many updates; queues behind the one before. */
    step(updates: number): Promise<Metrics>
    /** Puts the images at which it did end on record. */
    recordEnd(images: number): Promise<void>
    /** Begins to sample with the weights as they are, which have seen `images`. */
    sample(options: SampleCall, images: number): Promise<Sampling>
    /** The model of the newest checkpoint. */
    finish(): Promise<Model>
    /** Frees the trainer, closes logs, releases the lock. */
    close(): Promise<void>
    onStatus(status: Status): void
    signal: AbortSignal | undefined
    /** What computes, for those who compute with it. */
    placement: Placement
    /** Whether another process asks for an end. */
    stopRequested?: () => boolean
  }

export type SessionStart = Pick<SessionDeps, 'start' | 'previewStart'>

/** In what a new and a resumed run differ. */
type RunKind = {
  /** The folder whose file system must have room for checkpoints. */
  spaceIn: string
  openDirectory(): Promise<RunDirectory>
  /** Brings trainer and records to where training starts. */
  start(directory: RunDirectory, runLog: RunLog): Promise<SessionStart>
}

/** What a session needs. Whatever fails here frees the trainer and the run's lock. */
export async function sessionDeps(opened: OpenTrainer, hooks: Hooks, kind: RunKind): Promise<SessionDeps> {
  const { trainer, options, native, placement } = opened
  const { signal, onLog, onPhase } = hooks
  let directory: RunDirectory | undefined
  let runLog: RunLog | undefined
  try {
    if (signal?.aborted) throw abortError(signal, 'Training')
    // Two of them lie side by side before the older one can go; those of the doublings stay. A run that goes on has some.
    const there = (await listCheckpoints(kind.spaceIn)).length
    const milestones = options.guard ? Math.max(0, countMilestones(options) - there) : 0
    await requireSpaceBelow(kind.spaceIn, (2 + milestones) * checkpointBytes(await trainer.tensors()))
    directory = await kind.openDirectory()
    runLog = new RunLog(directory, await openEvents(directory.path, Date.now() / 1000), onLog)
    for (const line of await describeStart(opened, directory.path)) runLog.log(line)
    const start = await kind.start(directory, runLog)
    await directory.writeConfig(options)
    await directory.writeEnvironment(await environment(native, placement, opened.processes))
    const guard = options.guard ? await openGuard(opened, hooks, directory, runLog) : null
    return { ...start, ...callbacks(opened, directory, runLog, onPhase, guard), ...hooks }
  } catch (error) {
    trainer.dispose()
    await opened.data.store.close()
    await runLog?.close()
    await directory?.close()
    throw error
  }
}

/** Fewer pictures than a batch, or only one, is allowed; what it means is said. */
function batchWarning({ batch }: ResolvedTrainOptions, count: number): string | undefined {
  if (count === 1) return 'There is one picture only: the model will learn that picture by heart.'
  if (count < batch) return `There are ${count} pictures, fewer than a batch of ${batch}: each batch holds all of them.`
  return undefined
}

const countText = ({ store, heldOut }: OpenTrainer['data']): string =>
  `${store.count} pictures to train on${heldOut ? `, ${heldOut.count} held out` : ''}`

/** The first lines of a run's log. */
async function describeStart({ options, placement, data, findings }: OpenTrainer, folder: string): Promise<string[]> {
  const { store } = data
  const mirrored = options.flip && data.labels ? mirrorWarning(data.labels) : undefined
  const warnings = [...data.warnings, mirrored, batchWarning(options, store.count)].filter(
    (warning) => warning !== undefined,
  )
  return [
    ...findings,
    `Run folder: ${folder}`,
    `Pictures: ${countText(data)}, ${store.size}x${store.size}, ${store.channels} channels${store.resident ? '' : ', in a file that is read while training goes on'}`,
    ...(data.labels ? describeLabels(data.labels).map((line) => `Labels: ${line}`) : []),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...(options.guard ? guardNotes(store.count, data.heldOut?.count ?? 0) : []),
    `Model: ${options.model}, device ${placement.device}, ${placement.precision}, ${placement.threads} threads, operations: ${nameOf(placement)} to train, ${placement.samplingOps} to sample`,
  ]
}

/** What the loop calls, over an open run. */
function callbacks(
  { options, placement, data, trainer }: OpenTrainer,
  directory: RunDirectory,
  runLog: RunLog,
  onPhase: OnPhase,
  guard: Guard | null,
): Omit<SessionDeps, keyof SessionStart | keyof Hooks> {
  const { path: run } = directory
  const definition = definitionOf(options.model)
  const { ops, graph, precision } = placement
  const prefetch = data.store.resident ? null : new Prefetch(trainer, data.store)
  const withModel = liveModels({ options, placement, trainer }, run)
  return {
    folder: run,
    options,
    runLog,
    placement,
    computing: { ops, graph, precision },
    imagesPerUpdate: definition.imagesPerUpdate(options),
    mainLoss: definition.mainLoss,
    guard,
    validation: definition.classifies ? new Validation({ options, data, withModel, run }) : null,
    step: (updates) => (prefetch ?? trainer).step(updates),
    // Behind the units that are queued; what fails it fails the next one too.
    endAt: (images) => void trainer.endAt(images).catch(() => {}),
    async recordEnd(images) {
      if (images === options.maxImages) return
      // Not worth the checkpoint that follows.
      await directory
        .writeConfig({ ...options, maxImages: images })
        .catch((error: Error) => runLog.log(`Warning: ${error.message}. config.json keeps the estimate of the start`))
    },
    save(state) {
      onPhase({ phase: 'checkpoint', done: 0, total: 1 })
      return save(state, { options, data, trainer }, directory, runLog, guard)
    },
    async restore(attempt) {
      const state = await restoreForAttempt(attempt, run, trainer, runLog, options.seed)
      await prefetch?.reset()
      return state
    },
    preview: (images) => withModel(images, (model) => writePreview(directory, runLog, model, images, onPhase)),
    sample: (call, images) => withModel(images, (model) => model.open(call)),
    finish: () => openModel(run, { device: options.device, threads: options.threads }),
    async close() {
      guard?.dispose()
      trainer.dispose()
      await data.store.close()
      await runLog.close().finally(() => directory.close())
    },
  }
}

/** Copies the trainer; the copy is written while training goes on. */
async function save(
  state: CheckpointState,
  { options, data, trainer }: Pick<OpenTrainer, 'options' | 'data' | 'trainer'>,
  directory: RunDirectory,
  runLog: RunLog,
  guard: Guard | null,
): Promise<Save> {
  const { tensors, read } = await copyTensors(trainer, state.images)
  const write = async (): Promise<string> => {
    // Lines that belong before the checkpoint must be there when it is.
    await runLog.flush()
    const { folder } = await saveCheckpoint(directory.path, {
      state,
      origin: { options: optionsDigest(options), pictures: data.manifest.digest },
      tensors,
      readTensor: read,
      keep: options.keepCheckpoints,
      ...(guard && { milestones: { before: guard.warnedAt } }),
      requireOwned: () => directory.requireOwned(),
      onWarning: (line) => runLog.log(`Warning: ${line}`),
    })
    runLog.log(`Checkpoint: ${folder}`)
    return folder
  }
  return { written: write() }
}
