/** What `evaluate()` and `compare()` take, and what they resolve with. */
import type { CompareOptions, EvaluateOptions } from '../options/resolve-evaluate.ts'
import type { LabelCopies } from './by-label.ts'
import type { EvaluationHooks } from './hooks.ts'
import type { Judgement } from './metrics.ts'

export type EvaluateCall = EvaluateOptions & EvaluationHooks
export type CompareCall = CompareOptions & EvaluationHooks

/** What `evaluate()` resolves with: the numbers by name, what they stand on, and where the report is. */
export type Evaluation = Judgement & {
  run: string
  /** Images that the model had seen. */
  images: number
  /** Copies among samples of each label; empty for a model without labels. */
  labels: readonly LabelCopies[]
  /** `RUN/evaluation/<images>`: samples, report.html, report.json and, with an extractor, statistics as pytorch-fid's. */
  folder: string
  report: { html: string; json: string }
  /** Why it is this checkpoint, where `at` was "best". */
  note?: string
}

/** What `compare()` resolves with: the second folder's pictures, measured against the first's. */
export type Comparison = Judgement & {
  /** Side that the pictures were brought to. */
  size: number
  warnings: readonly string[]
}
