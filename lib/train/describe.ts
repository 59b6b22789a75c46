/** What a training run would be, before it starts: layers, sizes, pictures, memory and disk. */

import type { Placement } from '../backend/placement.ts'
import { countMilestones } from '../checkpoint/milestones.ts'
import type { Reason } from '../data/findings.ts'
import type { Report, ReportedFinding } from '../data/report.ts'
import type { Layer } from '../native/addon.ts'
import { absolutePath, withAbsolutePaths, workingFolder } from '../options/paths.ts'
import type { OptionOrigin } from '../options/recipes.ts'
import type { ResolvedTrainOptions, TrainOptions } from '../options/types.ts'
import { longRunAdvice } from './long-run.ts'
import type { Phase } from './phases.ts'
import type { Probe } from './probe.ts'

export type DescribeCall = TrainOptions & {
  signal?: AbortSignal
  /** Called with what is measured and read meanwhile. */
  onPhase?: (phase: Phase) => void
  /** Folder for the data report: report.png shows suspicious pictures, report.txt and report.json list them. */
  report?: string
}

export type RunDescription = Placement & {
  /** Complete options, defaults included. */
  options: ResolvedTrainOptions
  /** With a recipe, where each option comes from: "given", "stated" by the source, or "chosen" by us where it is silent. */
  origins: Readonly<Record<string, OptionOrigin>> | null
  /** Pictures to train on, held out, and not used. */
  data: {
    count: number
    heldOut: number
    skipped: number
    /** How many pictures are suspicious, by reason; and which. */
    counts: Partial<Record<Reason, number>>
    findings: readonly ReportedFinding[]
    warnings: readonly string[]
  }
  /** Files of the data report, where one was asked for. */
  report: Report | null
  layers: readonly Layer[]
  parameters: number
  /**
   * Estimates: the program before it has a network; weights, gradients, Adam and EMA; what an update takes beside them
   * at its peak; the copy that is written as a checkpoint while training goes on; one checkpoint times keepCheckpoints
   * and those that guard keeps beside them.
   */
  memory: {
    programBytes: number
    stateBytes: number
    activationBytes: number
    snapshotBytes: number
    picturesBytes: number
    totalBytes: number
  }
  disk: { checkpointBytes: number; keptBytes: number }
  /**
   * How long the run would take on this machine: a few updates were computed. `advice` is what would fit better, where
   * it would take days. Null where the network does not fit in memory.
   */
  time: { imagesPerSecond: number; seconds: number; updates: number; advice: string | null } | null
  /** What a run that is bound in time would say of its choice. */
  choice: readonly string[]
}

/** What measuring the speed may take beside the first updates. */
const PROBE_SECONDS = 1

/** `maxTime` and `time` end a run before maxImages. */
function estimate(
  { maxImages, maxTime, time }: ResolvedTrainOptions,
  probe: Probe | undefined,
): RunDescription['time'] {
  if (!probe) return null
  const { imagesPerSecond, updates } = probe
  const limit = time ?? maxTime
  const seconds = Math.min(maxImages / imagesPerSecond, limit ?? Number.POSITIVE_INFINITY)
  const advice = limit === null ? (longRunAdvice(maxImages, imagesPerSecond) ?? null) : null
  return { imagesPerSecond, seconds, updates, advice }
}

/**
 * Checks options and data and describes the run without training; nothing but a report is written.
 * Rejects as `train()` would, and with FILE_FAILED or DISK_FULL where a report cannot be written.
 */
export async function describe({
  signal,
  onPhase = () => {},
  report: folder,
  ...given
}: DescribeCall = {}): Promise<RunDescription> {
  const from = workingFolder()
  const begunAt = performance.now()
  const [
    { resolveTrain },
    { optionOrigins },
    { loadNative },
    { placeKnown },
    { toSpec },
    { loadDataset },
    { countFindings },
    { reported, writeReport },
    { planRun },
    { measureRate },
    { trainingMemory },
  ] = await Promise.all([
    import('../options/resolve.ts'),
    import('../options/recipes.ts'),
    import('../native/load.ts'),
    import('../backend/select.ts'),
    import('../backend/placement.ts'),
    import('../data/dataset.ts'),
    import('../data/findings.ts'),
    import('../data/report.ts'),
    import('./plan-run.ts'),
    import('./probe.ts'),
    import('./memory.ts'),
  ])
  const resolved = withAbsolutePaths(resolveTrain(given), from)
  const { options, lines } = await planRun({ ...given, out: resolved.out, data: resolved.data }, resolved, {
    onLog: undefined,
    onPhase,
    begunAt,
  })
  const native = await loadNative()
  const { addon } = native
  const placement = await placeKnown(native, options)
  const dataset = await loadDataset(options, {
    readOnly: true,
    ...(signal && { signal }),
    onProgress: onPhase,
  })
  const { store, heldOut, manifest, findings, warnings } = dataset
  const report = await (folder === undefined
    ? Promise.resolve(null)
    : writeReport(absolutePath(folder, from), dataset)
  ).finally(() => store.close())
  const network = await addon.describe(toSpec(options, placement))
  const { layers, parameters } = network
  const { program, state, checkpoint, activation } = trainingMemory(options, placement, network, store.count)
  const kept = options.keepCheckpoints + (options.guard ? countMilestones(options) : 0)
  const picturesBytes = (store.resident?.byteLength ?? 0) + (heldOut?.resident?.byteLength ?? 0)
  onPhase({ phase: 'measure', done: 0, total: 1 })
  const probe = await measureRate(addon, options, placement, PROBE_SECONDS)
  return {
    ...placement,
    options,
    origins: options.recipe === null ? null : optionOrigins(options.recipe, options, given),
    data: {
      count: store.count,
      heldOut: heldOut?.count ?? 0,
      skipped: manifest.skipped.length,
      counts: countFindings(findings),
      findings: reported(findings),
      warnings,
    },
    report,
    layers,
    parameters,
    memory: {
      programBytes: program,
      stateBytes: state,
      activationBytes: activation,
      snapshotBytes: checkpoint,
      picturesBytes,
      totalBytes: program + state + activation + checkpoint + picturesBytes,
    },
    disk: { checkpointBytes: checkpoint, keptBytes: checkpoint * kept },
    time: estimate(options, probe),
    choice: lines,
  }
}
