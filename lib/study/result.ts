/** What a study is called with, what it tells on the way, and what it comes to. */
import type { Judgement } from '../evaluate/metrics.ts'
import type { StudyMethod, StudyOptions } from '../options/study.ts'

export type StudyProgress = {
  /** Undefined while folders are compared. */
  method: StudyMethod | undefined
  /** Such as "training" or "sampling". */
  phase: string
  /** Share of the phase that is done, 0 to 1. */
  share: number
}

export type StudyCall = StudyOptions & {
  /** Aborting saves the run under way and rejects with an AbortError; the next call goes on from there. */
  signal?: AbortSignal
  onProgress?: (progress: StudyProgress) => void
  /** Receives a line for people at every turn. */
  onLog?: (line: string) => void
}

/** One method's result. */
export type StudyRow = {
  method: StudyMethod
  label: string
  /** Options that the source leaves open, where the method repeats a published recipe: its row is one reading of it. */
  open: string[]
  run: string
  images: number
  /** Of training. */
  seconds: number
  /** Null where training diverged, which `failure` tells of. */
  judgement: Judgement | null
  failure: string | null
  /** The row's report; null without a judgement. */
  report: string | null
}

/** Pictures of a folder measured against the training pictures. */
export type StudyComparison = { folder: string; judgement: Judgement }

export type Study = {
  folder: string
  /** Table 2. */
  rows: StudyRow[]
  /** Table 1. */
  comparisons: StudyComparison[]
  files: { json: string; markdown: string }
}
