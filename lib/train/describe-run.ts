/** Describing a run: what describe() loads when it is called. */

import { toSpec } from '../backend/placement.ts'
import { placeKnown } from '../backend/select.ts'
import { countMilestones } from '../checkpoint/milestones.ts'
import { loadDataset } from '../data/dataset.ts'
import { countFindings } from '../data/findings.ts'
import { reported, writeReport } from '../data/report.ts'
import { loadNative } from '../native/load.ts'
import { parameterCount } from '../native/parameters.ts'
import { absolutePath, withAbsolutePaths } from '../options/paths.ts'
import { optionOrigins } from '../options/recipes.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { longRunAdvice } from './long-run.ts'
import { trainingMemory } from './memory.ts'
import { planRun } from './plan-run.ts'
import { measureRate, type Probe } from './probe.ts'
import type { DescribeCall, RunDescription } from './run-description.ts'

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

/** Relative paths are those of the folder `from`. */
export async function describeRun(
  { signal, onPhase = () => {}, report: folder, ...given }: DescribeCall,
  from: string | undefined,
): Promise<RunDescription> {
  const begunAt = performance.now()
  const resolved = withAbsolutePaths(resolveTrain(given), from)
  const { options: planned, lines } = await planRun({ ...given, out: resolved.out, data: resolved.data }, resolved, {
    onLog: undefined,
    onPhase,
    begunAt,
  })
  const native = await loadNative()
  const { addon } = native
  const placement = await placeKnown(native, planned)
  const dataset = await loadDataset(planned, {
    readOnly: true,
    ...(signal && { signal }),
    onProgress: onPhase,
  })
  const { store, heldOut, manifest, findings, warnings, labels } = dataset
  const options = { ...planned, labels }
  const report = await (folder === undefined
    ? Promise.resolve(null)
    : writeReport(absolutePath(folder, from), dataset)
  ).finally(() => store.close())
  const network = await addon.describe(toSpec(options, placement))
  const { layers } = network
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
      labels: labels?.attributes ?? null,
    },
    report,
    layers,
    parameters: parameterCount(options.model, network),
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
