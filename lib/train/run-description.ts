/** What is said of a run before it starts: layers, sizes, pictures, memory and disk. */
import type { Placement } from '../backend/placement.ts'
import type { Reason } from '../data/findings.ts'
import type { Report, ReportedFinding } from '../data/report.ts'
import type { Layer } from '../native/addon.ts'
import type { ParameterCount } from '../native/parameters.ts'
import type { LabelAttribute } from '../options/labels.ts'
import type { OptionOrigin } from '../options/recipes.ts'
import type { ResolvedTrainOptions, TrainOptions } from '../options/types.ts'
import type { Phase } from './phases.ts'

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
    /** Each attribute that labels know, with its values and how many pictures have each; null without labels. */
    labels: readonly LabelAttribute[] | null
  }
  /** Files of the data report, where one was asked for. */
  report: Report | null
  layers: readonly Layer[]
  /** Trainable weights; of StyleGAN2 those of each network: `{ generator, discriminator }`. */
  parameters: ParameterCount
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
