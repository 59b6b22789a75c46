/** What a model kind declares to the TypeScript side; its native half is a row in native/core/models/registry.cc. */
import type { Problem } from '../errors.ts'
import type { OptionSpecs } from '../options/option-spec.ts'

/** Options every model has, but with its own default per variant. */
export type VariantDefaults = {
  readonly size: number
  readonly batch: number
  readonly accumulate: number
  readonly lr: number
  readonly clip: number | null
  readonly betas: readonly [number, number]
  readonly emaDecay: number | null
  readonly emaEvery: number
  readonly maxImages: number
  readonly snapshotImages: number
} & Readonly<Record<string, unknown>>

/** One kind of model. Adding one: a file here, a line in models/table.ts, and its native half. */
export type ModelDefinition = {
  readonly help: string
  /** The option whose value picks a row of `defaults`, such as `unet`. */
  readonly variantOption: string
  readonly defaultVariant: string
  /** Options only this kind has. A row without a default must have one in every variant. */
  readonly rows: OptionSpecs
  readonly defaults: Readonly<Record<string, VariantDefaults>>
  /** Options of `model.sample()` only this kind has. */
  readonly sampleSpecs: OptionSpecs
  /** What is wrong with a combination of options; ranges are the schemas' affair. */
  check(options: Readonly<Record<string, unknown>>): Problem[]
  /** What is wrong with a combination of sampling options for a model trained with `train`. */
  checkSample?(options: Readonly<Record<string, unknown>>, train: Readonly<Record<string, unknown>>): Problem[]
  /** Fills sampling options that depend on how the model was trained or on what else was given. */
  sampleDefaults(
    train: Readonly<Record<string, unknown>>,
    given: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>>
  /** Sampling options of the preview sheets: as cheap as they can be, and as the reference draws its own. */
  previewOptions(train: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  /** The most images that one update sees. */
  imagesPerUpdate(train: Readonly<Record<string, unknown>>): number
  /** Whether each update does the same work, so that a CUDA graph can hold it. */
  canReplay(train: Readonly<Record<string, unknown>>): boolean
}
