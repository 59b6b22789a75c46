/** What a kind of model declares to the TypeScript side; its native half is a row of native/core/models/registry.cc. */
import type { Problem } from '../errors.ts'
import type { CommonOptions } from '../options/common.ts'
import type { Given, OptionSpec, OptionSpecs, Resolved } from '../options/option-spec.ts'
import type { CommonSampleOptions, SampleSpecs } from '../options/sample.ts'

/** Options every model has, but with its own default per variant. */
export type VariantDefaults = {
  readonly size: number
  readonly batch: number
  readonly accumulate: number
  readonly lr: number
  readonly clipGradNorm: number | null
  readonly betas: readonly [number, number]
  readonly emaDecay: number | null
  readonly emaEvery: number
  readonly maxImages: number
  readonly checkpointImages: number
} & Readonly<Record<string, unknown>>

/** How a run is laid out that is bound in time. A kind without networks keeps its own, and only its length follows. */
export type TimedLayout<Train> = {
  /** From the smallest to the largest, as the options that differ; the last one that sees enough images is taken. */
  readonly networks: readonly (Readonly<Record<string, unknown>> & { readonly size: number })[]
  /** Images that such a network needs to be worth its size. */
  imagesFor(train: Train): number
  /** What an update costs beside that of another network, roughly. */
  costOf(train: Train): number
  /** Options of a run that sees about this many images. */
  settings(images: number): Readonly<Record<string, unknown>>
}

type Shape = {
  /** Options only this kind has. One without a default must have one in every variant. */
  readonly specs: OptionSpecs & { readonly variant: OptionSpec }
  readonly defaults: Readonly<Record<string, VariantDefaults>>
  /** Options of `model.sample()` only this kind has. */
  readonly sampleSpecs: OptionSpecs
}

/** What the native trainer's `loss()` is asked for, and what its rows are called. */
export type GuardDefinition = {
  readonly args: Readonly<Record<string, readonly number[]>>
  /** One name for each row. All rows are higher for pictures that the model knows less well. */
  readonly rows: readonly string[]
  /** What a row that is higher for held-out pictures means, as a warning begins. */
  readonly meaning: string
  /** Whether the rows are asked of samples too: a discriminator's, which lie above those of both. */
  readonly ofSamples?: true
}

/** One picture's input "x" or "z", and how the values that come out become pixels. */
export type ExportedForm = {
  readonly latent: { readonly distribution: 'normal' | 'uniform'; readonly shape: readonly number[] }
  /** uint8 = (x + 1) / 2 * 255 of "unit", x * 128 + 128 of "signed-byte". */
  readonly range: 'unit' | 'signed-byte'
  /** Whether the network takes the previous x0 as its input "condition". */
  readonly selfCondition: boolean
}

/** `Train` and `Sample` are this kind's complete options, `GivenSample` those of a call to `model.sample()`. */
type Behaviour<Train, Sample, GivenSample> = {
  readonly help: string
  /** Names of its networks, as state names begin, where a description counts their parameters apart; else none. Only the first has weights that are in no layer. */
  readonly networks: readonly string[]
  /** The series of metrics that is reported as the loss. */
  readonly mainLoss: string
  /**
   * Memory of an update at its peak, as a multiple of what the reference's walk keeps for backward: with a processor's
   * own operations, which keep less, and with the reference, whose gradients and copies come on top. Measured.
   */
  readonly peakOfKept: { readonly own: number; readonly reference: number }
  /** What is wrong with a combination of options; ranges are the schemas' affair. */
  check(options: Train): Problem[]
  /** What is wrong with a combination of sampling options for a model trained with `train`. */
  checkSample(options: Sample, train: Train): Problem[]
  /** What is wrong with sampling options for a walk, whose pictures must follow from the latents that it mixes alone. */
  checkWalk(options: Omit<Sample, 'seeds'>): Problem[]
  /** Fills sampling options that depend on how the model was trained or on what else was given. */
  sampleDefaults(train: Train, given: GivenSample): GivenSample
  /** How many pictures a call to `model.sample()` computes together; memory grows with them. */
  sampledAtOnce(options: Omit<Sample, 'seeds'>): number
  /** Sampling options of the preview grids: as cheap as they can be, and as the reference samples its own. */
  previewOptions(train: Train): GivenSample
  /** Whether it says which class a picture is of, instead of making pictures. */
  readonly classifies?: true
  /** Since when it can be told of labels: a network that is the same without them may be given some later. */
  readonly learnsLabels?: 'any-time' | 'from-the-start'
  /** What the copy guard looks at beside samples. */
  readonly guard: GuardDefinition
  /** How many pictures an update could learn from in the time that one takes to sample with the usual options; a guess. */
  sampleCost(train: Train): number
  /** The most images that one update sees. */
  imagesPerUpdate(train: Train): number
  readonly timed: TimedLayout<Train>
  /** What an exported network is fed and what its output means; absent where the kind has no ONNX form. */
  exported?(train: Train): ExportedForm
  /** What a tensor of the weights must hold for that; absent where any weights do. */
  exportedWith?(train: Train): {
    readonly tensor: string
    readonly values: readonly number[]
    readonly otherwise: string
  }
  /** Whether each update does the same work, so that a CUDA graph can hold it. */
  canReplay(train: Train): boolean
}

/** One kind of model as the rest of the program sees it. Adding one: a file here, a line in models/table.ts, and its native half. */
export type ModelDefinition = Shape &
  Behaviour<CommonOptions, CommonSampleOptions, Readonly<Record<string, unknown>>> & {
    readonly defaultVariant: string
    /** The option that makes the network wider or narrower. */
    readonly widthOption: string
  }

/** Checks a definition against its own options, so that none of its functions needs a cast. */
export function defineModel<
  const S extends Shape['specs'],
  const D extends Shape['defaults'],
  const P extends OptionSpecs,
>(
  definition: { readonly specs: S; readonly defaults: D; readonly sampleSpecs: P } & Behaviour<
    CommonOptions & Resolved<S>,
    CommonSampleOptions & Resolved<P>,
    Given<SampleSpecs> & Given<P>
  > & { readonly defaultVariant: keyof D & string; readonly widthOption: keyof S & string },
) {
  return definition
}
