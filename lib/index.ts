/** The public API. Importing it loads nothing heavy; libtorch, sharp and the option schemas come at first use. */

export type { DataProgress } from './dataset/dataset.ts'
export { type DescribeCall, describe, type RunDescription } from './describe.ts'
export { type ErrorCode, errorTable, type Problem, ShinsakuError } from './errors.ts'
export { load } from './load.ts'
export { type LoadOptions, Model, type SampleCall, SampleJob } from './model.ts'
export type { ResolvedTrainOptions, SampleOptions, TrainOptions } from './options/resolve.ts'
export { Pictures, type Provenance, type SaveOptions } from './pictures.ts'
export { type TrainCall, TrainingRun, train } from './train/run.ts'
export type { Status } from './train/status.ts'
export { type Check, type Verification, verify } from './verify.ts'
