/** A trained model: the options it was trained with, and pictures sampled with its weights. */
import { basename } from 'node:path'
import { type Placement, toSpec } from '../backend/placement.ts'
import type { Weights } from '../checkpoint/state-names.ts'
import { abortError, type Problem, ShinsakuError, throwIfAny } from '../errors.ts'
import type { Layer, NativeInferenceModel } from '../native/addon.ts'
import type { ParameterCount } from '../native/parameters.ts'
import { askFor, type Condition, conditionOf } from '../options/condition.ts'
import type { FillOptions, InvertOptions, LikeOptions } from '../options/edit.ts'
import { isLabelSet } from '../options/labels.ts'
import { workingFolder } from '../options/paths.ts'
import type { ResolvedSampleOptions, ResolvedTrainOptions, SampleOptions } from '../options/types.ts'
import type { WalkPath } from '../options/walk.ts'
import type { BetweenCall, SampleCall, SampleHooks, WalkCall } from './call.ts'
import type { Classification, ClassifyCall } from './classify.ts'
import type { ConditionCall } from './condition.ts'
import { directionOf } from './direction.ts'
import { type Edit, editSettings } from './edit-inputs.ts'
import type { GivenPicture } from './given-picture.ts'
import { InferenceModels } from './inference-models.ts'
import { SampleJob } from './job.ts'
import type { Provenance } from './picture.ts'
import { Sampling } from './sampling.ts'
import { Together } from './together.ts'
import { type OpenedWalk, Walk } from './walk.ts'
import { autoWeights } from './weights.ts'

export type { BetweenCall, SampleCall, WalkCall } from './call.ts'

export type LoadOptions = {
  /** As for `train()`; the default is "auto". */
  device?: 'auto' | 'cpu' | 'cuda' | undefined
  threads?: number | undefined
  /**
   * Which checkpoint of a run: the newest unless given, the one after so many images, or "best", the last one before the
   * copy guard first warned of copies; `model.note` says which that is and why.
   */
  at?: 'newest' | 'best' | number | undefined
  /** Sample with operations that give the bits of the PyTorch reference; a run trained with exact always does. */
  exact?: boolean | undefined
}

/** So much of a SHA-256 tells checkpoints apart. */
export const DIGEST_LENGTH = 16

/** What a model samples from: the options it was trained with, and its weights by kind. */
export type ModelDeps = {
  options: ResolvedTrainOptions
  placement: Placement
  images: number
  /** The most images that one update has seen. */
  imagesPerUpdate: number
  run: string
  /** SHA-256 of what the weights are read from; absent while they are in training. */
  digest?: () => Promise<string>
  note?: string
  /** A native inference model over these weights; asked for once for each kind. */
  inferenceModel(weights: Weights): Promise<NativeInferenceModel>
  /** Lets go of what the weights are read from. It must not hold the model, which may be collected instead. */
  close?(): void
}

export type ModelDescription = {
  layers: readonly Layer[]
  parameters: ParameterCount
  device: string
  samplingOps: string
  /**
   * SHA-256 of the checkpoint's `model.safetensors`, or of the file that was loaded: equal for two runs of the same
   * bits. Null while the weights are in training.
   */
  weightsSha256: string | null
}

/** Options of a call that are complete, what its pictures are between where it is a walk, and what it changes where it edits. */
type Resolved = { options: ResolvedSampleOptions; path?: WalkPath; edit?: Edit }

const dependent = (model: string): Problem => ({
  path: 'batchNorm',
  message: `makes pictures of a ${model} depend on each other, but those of separate requests must not`,
})

/** Models that nobody disposed of. */
const collected = new FinalizationRegistry<() => void>((close) => close())

/** A model that samples pictures. Its weights stay in memory until `dispose()` or garbage collection. */
export class Model {
  /** The options it was trained with. */
  readonly options: ResolvedTrainOptions
  /** Images it had seen when these weights were saved. */
  readonly images: number
  /** The run folder it comes from. */
  readonly run: string
  /** Why these weights, where `load()` was asked for the best ones; undefined otherwise. */
  readonly note: string | undefined
  readonly #deps: ModelDeps
  readonly #models: InferenceModels
  #digest: Promise<string | undefined> | undefined

  constructor(deps: ModelDeps) {
    this.#deps = deps
    this.#models = new InferenceModels((weights) => deps.inferenceModel(weights), deps.close)
    if (deps.close) collected.register(this, deps.close)
    this.options = deps.options
    this.images = deps.images
    this.run = deps.run
    this.note = deps.note
  }

  /** Where the model computes. */
  get device(): Placement['device'] {
    return this.#deps.placement.device
  }

  /** The weights that `weights: 'auto'` means: averaged ones, but the latest of a run that is short beside its average. */
  get autoWeights(): Weights {
    return autoWeights(this.options, this.images, this.#deps.imagesPerUpdate)
  }

  /**
   * Samples pictures, when the job that it returns is awaited, saved or iterated. One seed gives one picture, whatever
   * else is sampled beside it. The job rejects with OPTION_INVALID, ABORT_ERR, DISPOSED, OUT_OF_MEMORY.
   */
  sample(options: SampleCall & ConditionCall = {}): SampleJob {
    const { input, mask, ...call } = (options ?? {}) as SampleCall & ConditionCall
    if (input === undefined && mask === undefined) return new SampleJob(() => this.open(options))
    return this.#turn(undefined, { input, mask }, call as SampleCall)
  }

  #turn(wanted: Condition | undefined, given: ConditionCall, options: SampleCall): SampleJob {
    const from = workingFolder()
    return new SampleJob(async () => (await import('./condition.ts')).openCondition(this, wanted, given, options, from))
  }

  /**
   * Enlarges a small picture, with a model that was trained with condition "lowres": `sample({ input })` by its name. The
   * result scales down to the picture again, within a grey level or two. Rejects as `like()`.
   */
  upscale(picture: GivenPicture, options: SampleCall = {}): SampleJob {
    return this.#turn('lowres', { input: picture }, options)
  }

  /** Colours a grey picture, with a model that was trained with condition "grey". Rejects as `like()`. */
  colour(picture: GivenPicture, options: SampleCall = {}): SampleJob {
    return this.#turn('grey', { input: picture }, options)
  }

  /** Makes a picture of dark lines on white, with a model that was trained with condition "lines". Rejects as `like()`. */
  draw(lines: GivenPicture, options: SampleCall = {}): SampleJob {
    return this.#turn('lines', { input: lines }, options)
  }

  /** Brightens a dark picture, with a model that was trained with condition "dark". Rejects as `like()`. */
  brighten(picture: GivenPicture, options: SampleCall = {}): SampleJob {
    return this.#turn('dark', { input: picture }, options)
  }

  /**
   * Pictures on the way through the seeds, `steps` from each to the next, as an animation or as they come. Latents are
   * mixed on a sphere, so that every picture is one the model knows how to make. Rejects as `sample()` does.
   */
  walk(options: WalkCall = {}): Walk {
    return new Walk(() => this.#openWalk(options))
  }

  /** `count` pictures from seed `a` to seed `b`, both among them; otherwise as `walk()`. */
  between(a: number, b: number, count: number, options: BetweenCall = {}): Walk {
    return new Walk(async () => {
      if (!Number.isInteger(count) || count < 2)
        throwIfAny([{ path: 'count', message: `must be an integer of at least 2, but is ${count}` }])
      return this.#openWalk({ ...options, seeds: [a, b], steps: count - 1, loop: false } as WalkCall)
    })
  }

  async #openWalk({ signal, onProgress, onPicture, ...given }: WalkCall): Promise<OpenedWalk> {
    let settings: OpenedWalk['settings'] = {}
    const sampling = await this.#begin({ signal, onProgress, onPicture }, async () => {
      const { resolveWalk } = await import('../options/walk.ts')
      const resolved = resolveWalk(given, this.options)
      settings = resolved.settings
      return resolved
    })
    return { sampling, settings }
  }

  /**
   * Samples variations of a picture (SDEdit): a file, which becomes a square as those of training did, or pixels of the
   * model's shape. For models of kind "diffusion". Rejects as `sample()`, and with IMAGE_UNREADABLE, FILE_FAILED.
   */
  like(picture: GivenPicture, options: LikeOptions & SampleCall = {}): SampleJob {
    const from = workingFolder()
    return new SampleJob(async () => (await import('./edit.ts')).openLike(this, picture, options, from))
  }

  /**
   * Fills what is white in `mask`: in one go with a model that was trained with condition "mask", by RePaint with others. All other pixels stay as they are, to the byte. It takes
   * steps + (steps / jumpLength - 1) * (resamplings - 1) * jumpLength passes of the network, 230 by default. For models of kind "diffusion". Rejects as `like()`.
   */
  fill(picture: GivenPicture, mask: GivenPicture, options: FillOptions & SampleCall = {}): SampleJob {
    if (conditionOf(this.options) === 'mask') return this.#turn('mask', { input: picture, mask }, options)
    const from = workingFolder()
    return new SampleJob(async () => (await import('./edit.ts')).openFill(this, picture, mask, options, from))
  }

  /**
   * The noise that leads to a picture, float32 [channels, size, size]: DDIM with eta 0 and as many steps samples it
   * again. For models of kind "diffusion". Rejects as `like()`.
   */
  async invert(
    picture: GivenPicture,
    options: InvertOptions & Pick<SampleCall, 'signal' | 'onProgress'> = {},
  ): Promise<Float32Array> {
    const from = workingFolder()
    return (await import('./edit.ts')).invert(this, picture, options, from)
  }

  /**
   * Says which class each picture is of: files, which become squares as those of training did, or pixels of the model's
   * shape. For models of kind "classifier". Rejects with OPTION_INVALID, IMAGE_UNREADABLE, FILE_FAILED, ABORT_ERR, DISPOSED.
   */
  async classify(pictures: readonly GivenPicture[], options: ClassifyCall = {}): Promise<Classification[]> {
    const from = workingFolder()
    return (await import('./classify.ts')).classify(this, pictures, options, from)
  }

  /** @internal One row of logits for each picture, of uint8 [count, size, size, channels]; of a classifier. */
  async logits(pixels: Uint8Array, count: number): Promise<Float32Array> {
    const close = this.#models.hold()
    try {
      const { size, channels } = this.options
      const native = await this.#models.get('raw')
      const sampler = await native.sampler({}, { picture: { shape: [count, size, size, channels], values: pixels } })
      try {
        while (!(await sampler.step()));
        const bytes = await sampler.values()
        return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      } finally {
        sampler.dispose()
      }
    } finally {
      close()
    }
  }

  /** @internal Begins a call, with the weights as they are now; the caller closes it. */
  open({ signal, onProgress, onPicture, ...given }: SampleCall, edit?: Edit): Promise<Sampling> {
    const resolve = async () => {
      const { resolveSample } = await import('../options/resolve.ts')
      return { options: resolveSample(given, this.options), ...(edit && { edit }) }
    }
    return this.#begin({ signal, onProgress, onPicture }, resolve)
  }

  async #begin({ signal, onProgress, onPicture }: SampleHooks, resolve: () => Promise<Resolved>): Promise<Sampling> {
    const close = this.#models.hold()
    try {
      const { definitionOf } = await import('../models/table.ts')
      const { options, path, edit } = await resolve()
      const condition = conditionOf(this.options)
      if (condition !== null && !edit?.input) throwIfAny([{ path: 'input', message: askFor(condition) }])
      if (signal?.aborted) throw abortError(signal, 'Sampling')
      const weights = options.weights === 'auto' ? this.autoWeights : this.#require(options.weights)
      const { seeds: _, seed: __, count: ___, ...shared } = options
      const { row, settings } = directionOf(this.options.labels, shared)
      const { size, channels, model } = this.options
      const { sampledAtOnce } = definitionOf(model)
      const atOnce = sampledAtOnce(options)
      const native = await this.#models.get(weights)
      const digest = await this.#weightsDigest()
      return new Sampling({
        options,
        path,
        atOnce,
        // Where more pictures would be computed together, those depend on each other.
        repeatable: digest !== undefined && sampledAtOnce({ ...options, count: options.count + 1 }) === atOnce,
        native,
        ...(row && { labels: row }),
        ...(edit && { edit }),
        size,
        channels,
        provenance: {
          ...(await this.#origin()),
          ...settings,
          ...(edit && editSettings(edit)),
          weights,
          operations: this.#deps.placement.samplingOps,
        },
        signal,
        onProgress,
        onPicture,
        close,
      })
    } catch (error) {
      close()
      throw error
    }
  }

  /**
   * @internal What computes pictures of separate requests together, `settings.batch` rows in each step; the caller closes
   * it. Rejects with OPTION_INVALID, also for settings with which pictures depend on each other.
   */
  async together(settings: SampleOptions): Promise<Together> {
    const condition = conditionOf(this.options)
    if (condition !== null)
      throwIfAny([{ path: 'model', message: `cannot be asked over HTTP yet: ${askFor(condition)}` }])
    const close = this.#models.hold()
    try {
      const { resolveSample } = await import('../options/resolve.ts')
      const { definitionOf } = await import('../models/table.ts')
      const { size, channels, model, labels: learned, ...rest } = this.options
      const labels = isLabelSet(learned) ? learned : null
      const { sampledAtOnce, sampleSpecs, checkWalk } = definitionOf(model)
      const options = resolveSample(settings, this.options)
      if (sampledAtOnce({ ...options, batch: 1, count: 2 }) !== 1) throwIfAny([dependent(model)])
      const weights = options.weights === 'auto' ? this.autoWeights : this.#require(options.weights)
      const stepped = 'steps' in sampleSpecs
      const native = await this.#models.get(weights)
      const origin = await this.#origin()
      const operations = this.#deps.placement.samplingOps
      return new Together({
        native,
        size,
        channels,
        stepped,
        rows: stepped ? options.batch : 1,
        resolve: (given) => resolveSample({ ...settings, ...given, weights } as SampleOptions, this.options),
        checkWay: checkWalk,
        labels,
        // One that never did without labels has nothing to be guided away from.
        guided: labels !== null && 'guidance' in sampleSpecs && !('labelDropout' in rest && rest.labelDropout === 0),
        directionOf: (asked) => {
          const { row, settings } = directionOf(this.options.labels, asked)
          return { row, settings: { ...origin, ...settings, weights, operations } }
        },
        close,
      })
    } catch (error) {
      close()
      throw error
    }
  }

  /** What each picture says of where it comes from. */
  async #origin(): Promise<Provenance> {
    const digest = await this.#weightsDigest()
    return {
      generator: 'shinsaku',
      run: basename(this.run),
      images: this.images,
      ...(digest === undefined ? {} : { checkpoint: digest.slice(0, DIGEST_LENGTH) }),
      model: this.options.model,
    }
  }

  /** Throws OPTION_INVALID for weights that the model does not have. */
  #require(weights: Weights): Weights {
    if (weights === 'raw' || this.options.emaDecay !== null) return weights
    throw new ShinsakuError(
      'OPTION_INVALID',
      `weights is "${weights}", but the model was trained with emaDecay null and has only: raw`,
      { details: { problems: [{ path: 'weights', message: `"${weights}" is not in this model` }] } },
    )
  }

  #weightsDigest(): Promise<string | undefined> {
    this.#digest ??= this.#deps.digest?.() ?? Promise.resolve(undefined)
    return this.#digest
  }

  /** The network: its layers in order, its parameters in all, which ops set samples, and what tells its weights apart. */
  async describe(): Promise<ModelDescription> {
    const [{ loadAddon }, { parameterCount }] = await Promise.all([
      import('../native/load.ts'),
      import('../native/parameters.ts'),
    ])
    const addon = await loadAddon()
    const { placement } = this.#deps
    const network = await addon.describe(toSpec(this.options, placement))
    const { layers } = network
    const parameters = parameterCount(this.options.model, network)
    const weightsSha256 = (await this.#weightsDigest()) ?? null
    return { layers, parameters, device: placement.device, samplingOps: placement.samplingOps, weightsSha256 }
  }

  /** Frees the weights. What is being sampled is finished; a job that nothing was asked of yet rejects with DISPOSED. */
  dispose(): void {
    this.#models.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
  }
}
