/** What a call to `distil()` takes, and what it says meanwhile. */
import type { DistilOptions } from '../options/distil.ts'
import type { Phase } from '../train/phases.ts'
import type { Status } from '../train/status.ts'

export type DistilCall = DistilOptions & {
  /** Aborting saves a checkpoint of the stage under way and rejects with an AbortError. */
  signal?: AbortSignal
  /** Receives each line of the stages' logs. */
  onLog?: (line: string) => void
  /** Called with what a stage does besides training, as that of `train()`. */
  onPhase?: (phase: Phase) => void
}

/** Where a distillation is: the status of its stage, which is a run of its own. */
export type DistilStatus = Status & {
  /** Denoising steps of the stage. */
  readonly steps: number
  /** Which stage it is, from 1, of how many. */
  readonly stage: number
  readonly stages: number
}
