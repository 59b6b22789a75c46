/** What new and resumed runs share before there is a run folder: addon, device, pictures, backend, trainer. */
import { resolveDevice } from '../backend/device.ts'
import { type Placement, placeOn } from '../backend/placement.ts'
import { selectBackend } from '../backend/select.ts'
import { type DataProgress, type Dataset, loadDataset } from '../data/dataset.ts'
import type { RecordedSplit } from '../data/split.ts'
import type { NativeTrainer } from '../native/addon.ts'
import { type Loaded, loadNative } from '../native/load.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { withAdvice } from './advice.ts'
import { logData } from './data-log.ts'
import type { Group } from './group/group.ts'
import { leadTrainer } from './group/lead-trainer.ts'
import { agreeWithOthers, groupText, sharedThreads } from './group/start.ts'
import { makeTrainer } from './make-trainer.ts'
import type { OnPhase } from './phases.ts'
import type { Status } from './status.ts'
import { findTeacher } from './teacher.ts'

/** What a caller wants to hear and may say; undefined where they did not ask. */
export type Hooks = {
  signal: AbortSignal | undefined
  onLog: ((line: string) => void) | undefined
  onData: ((progress: DataProgress) => void) | undefined
  onPhase: OnPhase
  onStatus: (status: Status) => void
  /** When the run was asked for, in milliseconds of `now`. */
  begunAt: number
  /** performance.now() but in measurements. */
  now?: (() => number) | undefined
  /** The processes that train together, of which this one is rank 0; undefined where it trains alone. */
  group?: Group | undefined
}

/** A trainer at its first values, and what it was made of. */
export type OpenTrainer = {
  options: ResolvedTrainOptions
  native: Loaded
  placement: Placement
  data: Dataset
  trainer: NativeTrainer
  /** What was found out on the way, for the log of the run. */
  findings: readonly string[]
  /** How many processes train together. */
  processes: number
}

/** Where these options are computed and with what, before anything is tried on a GPU. */
export async function planPlacement(options: ResolvedTrainOptions, { onLog }: Hooks): Promise<Placement> {
  const { addon } = await loadNative(onLog)
  return placeOn(await resolveDevice(options.device), options, (await addon.info()).cpuOps)
}

/**
 * Reads the pictures, selects the backend and makes the trainer; `recorded` is the split of a run that goes on. Whoever
 * has it disposes of the trainer and closes the store.
 */
export async function openTrainer(
  asked: ResolvedTrainOptions,
  planned: Placement,
  { signal, onLog, onData, onPhase, group }: Hooks,
  recorded?: RecordedSplit,
): Promise<OpenTrainer> {
  const native = await loadNative(onLog)
  const onRead = onData ?? (onLog && logData(onLog))
  const onProgress = (progress: DataProgress) => {
    onRead?.(progress)
    onPhase(progress)
  }
  // The labels as they are asked for: each process reads its own.
  await group?.tell('plan', asked)
  const teacher = await findTeacher(asked)
  const data = await loadDataset(asked, { ...(signal && { signal }), onProgress, ...(recorded && { recorded }) })
  // The words that the network is given are the run's from now on, whatever becomes of the data.
  const options = { ...asked, ...teacher, labels: data.labels } as ResolvedTrainOptions
  const findings: string[] = []
  try {
    if (group) await agreeWithOthers(group, data, planned, signal)
    const selected = await selectBackend(native, options, planned, (line) => {
      if (findings.push(line) === 1) onPhase({ phase: 'trial', done: 0, total: 1 })
    })
    if (!group) {
      const trainer = await makeTrainer(native, options, selected, data)
      return { options, native, placement: selected, data, trainer, findings, processes: 1 }
    }
    const { launch } = group
    // Gradients meet on the host, so no graph can hold an update.
    const placement = { ...selected, graph: false, threads: sharedThreads(options.threads, launch) }
    const trainer = leadTrainer(await makeTrainer(native, options, placement, data, group.native), group)
    const processes = launch.size
    return { options, native, placement, data, trainer, findings: [...findings, groupText(launch, options)], processes }
  } catch (error) {
    await data.store.close()
    throw withAdvice(error, options)
  }
}
