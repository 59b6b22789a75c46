/** The public API. Importing it loads nothing heavy; libtorch, sharp and the option schemas come at first use. */

export { type Exported, exportWeights } from './convert/export.ts'
export type { ImportOptions } from './convert/import/open.ts'
export type { ImportCall, ImportedRun } from './convert/import/write.ts'
export { importCheckpoint } from './convert/import.ts'
export { type CachedSet, type CacheListing, clearCache, listCache } from './data/cache.ts'
export type { DataProgress } from './data/dataset.ts'
export type { DistilCall, DistilStatus } from './distil/call.ts'
export { Distillation, distil } from './distil/distil.ts'
export { type ErrorCode, errorTable, type Problem, ShinsakuError } from './errors.ts'
export {
  type CompareCall,
  type Comparison,
  compare,
  type EvaluateCall,
  type Evaluation,
  evaluate,
} from './evaluate/evaluate.ts'
export type { EvaluationProgress } from './evaluate/hooks.ts'
export type {
  Basis,
  ExtractorInfo,
  Floor,
  Interval,
  Judgement,
  Measured,
  MetricName,
  Metrics,
  Verdict,
  VersusHeldOut,
} from './evaluate/metrics.ts'
export { type ExportedOnnx, exportOnnx } from './onnx/export.ts'
export type { DistilOptions } from './options/distil.ts'
export type { FillOptions, InvertOptions, LikeOptions } from './options/edit.ts'
export type { LabelAttribute, LabelSet, PictureLabels } from './options/labels.ts'
export type { OnnxOptions } from './options/onnx.ts'
export type { PublishOptions } from './options/publish.ts'
export type { CompareOptions, EvaluateOptions } from './options/resolve-evaluate.ts'
export type { ServeOptions } from './options/serve.ts'
export type { StudyOptions } from './options/study.ts'
export type { ExportOptions, ResolvedTrainOptions, SampleOptions, TrainOptions } from './options/types.ts'
export type { WalkOptions } from './options/walk.ts'
export { type PublishCall, type Published, type PublishPlan, publish } from './publish/publish.ts'
export { type Check, type Verification, verify } from './run/verify.ts'
export type { Classification, ClassifyCall } from './sampling/classify.ts'
export type { ConditionCall } from './sampling/condition.ts'
export type { GivenPicture } from './sampling/given-picture.ts'
export type { GridOptions } from './sampling/grid.ts'
export { SampleJob } from './sampling/job.ts'
export { load } from './sampling/load.ts'
export {
  type BetweenCall,
  type LoadOptions,
  Model,
  type ModelDescription,
  type SampleCall,
  type WalkCall,
} from './sampling/model.ts'
export { Picture, type Provenance } from './sampling/picture.ts'
export { Pictures } from './sampling/pictures.ts'
export type { SaveOptions } from './sampling/save.ts'
export { type AnimationOptions, type FrameOptions, Walk } from './sampling/walk.ts'
export { createHandler, type Handler, type HandlerModels } from './serve/create.ts'
export type { HandlerOptions } from './serve/handler-options.ts'
export type { Study, StudyCall, StudyComparison, StudyProgress, StudyRow } from './study/result.ts'
export { study } from './study/study.ts'
export { describe } from './train/describe.ts'
export type { Phase } from './train/phases.ts'
export { type TrainCall, TrainingRun, train } from './train/run.ts'
export type { DescribeCall, RunDescription } from './train/run-description.ts'
export type { Status } from './train/status.ts'
