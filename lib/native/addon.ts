/** The surface of the native addon, as native/napi/addon.cc defines it. A test holds the two together. */
import type { TensorInfo } from '../safetensors/tensor-info.ts'
import type { AddonEvaluate } from './evaluate.ts'
import type { HostTensor } from './host-tensor.ts'

export type { HostTensor, TensorInfo }

/** Resolved options; the addon has no defaults. Keys whose value is null are left out. */
export type Spec = Readonly<Record<string, boolean | number | string | readonly number[]>>

/** Named series with one value for each update of the unit. */
export type Metrics = Record<string, number[]>

export type Layer = { name: string; operation: string; shape: number[]; parameters: number }
/** `activationBytes` are what the reference's walk keeps for one picture's backward pass, in fp32. */
export type Description = { layers: Layer[]; parameters: number; activationBytes: number }

/** One operation of a network. Every value is F32 and has one row a picture; `shape` is the output's, for one picture. */
export type GraphNode = {
  layer: string
  /** Its name in native/core/ops/graph_ops.cc. */
  operation: string
  /** Values and parameters by name; empty for one that is left out. */
  inputs: string[]
  attributes: Spec
  output: string
  shape: number[]
}
/** The network that samples, as its walk records it: nodes in the order in which they are computed. */
export type Graph = { inputs: TensorInfo[]; nodes: GraphNode[]; output: string }

/** `x` times an x, plus `model`[k] times the k-th newest prediction, plus `noise` times noise. */
export type StepCombination = { x: number; model: number[]; noise: number }
/** Around one evaluation of the network; native/core/api.h says what each number multiplies. */
export type PlannedStep = {
  time: number
  xToX0: number
  outputToX0: number
  xToPrediction: number
  x0ToPrediction: number
  correct?: StepCombination
  predict: StepCombination
}
/** A sampler as plain numbers; no steps where one pass gives the picture. */
export type SamplingPlan = { start: StepCombination; steps: PlannedStep[] }

/** Switches of libtorch that decide about the bits of results on a GPU. Units set them; they hold for the process. */
export type Numerics = {
  /** Float32 products on a GPU: "ieee" or "tf32"; "none" before the first trainer. */
  matmul: string
  convolution: string
  /** The older names of the same two switches. */
  allowTf32Cublas: boolean
  allowTf32Cudnn: boolean
  deterministicAlgorithms: boolean
  deterministicCudnn: boolean
  benchmarkCudnn: boolean
}

export type DeviceInfo = {
  builtFor: string
  cpuCapability: string
  /** CPU threads of the latest unit of work; before the first, those of the machine. */
  threads: number
  cudaDevices: number
  /** Whether the CUDA plugin is open, with the ops set "cuda" and graphs. */
  cudaKernels: boolean
  /** Ops sets with kernels for this processor, fastest first; for sampling. */
  cpuOps: string[]
  /** As they are now. */
  numerics: Numerics
}

export interface NativeImages {
  dispose(): void
}

/**
 * What a sampler may start from or be conditioned on, by name; a model whose samplers take none of a name rejects with
 * NATIVE_FAILED. Today: `latents`, float32, of diffusion [n, C, H, W], the noise that pictures begin as in place of their
 * seeds' own; of dcgan [n, latent]. To edit with diffusion, uint8: `picture` [n, H, W, C] and `keep` [n, H, W, 1].
 */
export type Inputs = Readonly<Record<string, { shape: readonly number[]; values: Uint8Array | Float32Array }>>

/** Pictures of the next updates: their indices, one after the other, and how many of them each update takes. */
export type UpdatePlan = { indices: Int32Array; sizes: Int32Array }

/** Holds the pictures of one call; whoever wants more makes one sampler after the other. */
export interface NativeSampler {
  /** One bounded unit of work; resolves to true when every picture is finished. */
  step(): Promise<boolean>
  /** Share of the work that is done, 0 to 1. */
  progress(): Promise<number>
  /** uint8 NHWC of all pictures as they are. */
  pixels(): Promise<Uint8Array>
  /** float32 NCHW, little-endian, of all pictures as they are, before they become pixels. */
  values(): Promise<Uint8Array>
  dispose(): void
}

export interface NativeInferenceModel {
  /** `args.seeds` are at most `args.batch` of them; with batchNorm "batch", any number. */
  sampler(args: Spec, inputs?: Inputs): Promise<NativeSampler>
  /**
   * One step of each of these samplers of this model, wherever each of them is; resolves to the progress of each, 1
   * where it is finished. A model of many steps computes them as one batch of `rows`, and a picture depends on `rows`,
   * but not on those beside it; others step one after the other. Rejects with NATIVE_FAILED for samplers of another
   * model, and for more pictures than `rows`.
   */
  stepTogether(samplers: readonly NativeSampler[], rows: number): Promise<Float64Array>
  dispose(): void
}

/** Copies of values of one moment of a trainer, in host memory, to compare those of another moment or trainer with. */
export interface NativeSnapshot {
  /**
   * Greatest difference of one tensor to that of `reference`, relative to its norm, or to a little of what all tensors
   * have on average. Infinite where one holds NaN.
   */
  distance(reference: NativeSnapshot): Promise<number>
  /** Difference of the moves from `start` to this and to `reference`, relative to the second. */
  distanceOfMoves(start: NativeSnapshot, reference: NativeSnapshot): Promise<number>
  dispose(): void
}

/**
 * The processes that train together: a store of bytes that all of them share. Each call rejects with PROCESS_LOST,
 * `details.rank`, where one is gone; after that nothing works any more.
 */
export interface NativeProcessGroup {
  set(key: string, value: Uint8Array): Promise<void>
  /** What is under `key`, or null; waits for it for `seconds` at most, and keeps the thread meanwhile. */
  get(key: string, seconds: number): Promise<Uint8Array | null>
  remove(key: string): Promise<void>
  /** Tells the others why this process leaves. */
  fail(message: string): Promise<void>
  dispose(): void
}

export interface NativeTrainer {
  /**
   * Which pictures the next `updates` updates take. Changes nothing: a checkpoint between plan() and step() is as if
   * plan() had not been called.
   */
  plan(updates: number): Promise<UpdatePlan>
  /**
   * `updates` optimizer updates, one bounded unit. `pixels`: the rows of the planned pictures, uint8
   * [sum of sizes, H, W, C], where the set is not resident, and only there.
   */
  step(updates: number, pixels?: Uint8Array): Promise<Metrics>
  /** Everything a resumed run needs, in a fixed order. */
  tensors(): Promise<TensorInfo[]>
  /** Bytes of one of them. Rejects with WEIGHTS_NOT_FINITE, `details.tensor` and `details.element`, where it holds NaN or an infinity. */
  tensor(name: string): Promise<Uint8Array>
  /**
   * All or some of the tensors, by name. `pictures` "other": the checkpoint was made with other pictures, so its order
   * is left out, and the epoch ends where it is.
   */
  load(tensors: readonly HostTensor[], pictures: 'same' | 'other'): Promise<void>
  /** Begins the random streams anew; the place in the pictures stays. */
  reseed(seed: number): Promise<void>
  /** The network has seen `images` elsewhere: they count as whole epochs, and the next batch begins one. */
  startAt(images: number): Promise<void>
  /** The learning rate's course ends at `images` from now on, in place of the spec's maxImages. */
  endAt(images: number): Promise<void>
  /** Copies everything of rank 0's trainer to those of the others of its group, which all call this at the same place. */
  synchronize(): Promise<void>
  /** Copies of its weights, or of Adam's first moments, as they are. */
  snapshot(what: 'weights' | 'moments'): Promise<NativeSnapshot>
  /**
   * What the networks make of given pictures, uint8 [n, size, size, channels], in evaluation and without augmentation:
   * one bounded unit, which draws from no stream of training and moves nothing. Rows of n values, one after the other.
   * Of diffusion `args` are `weights` ("ema" or "raw"), `logSnr` (a row for each: the loss of training at that log
   * signal-to-noise ratio) and `seeds`, one for each picture's noise; of dcgan there is one row, the discriminator's
   * logit of "generated". Rejects with SHAPE_INVALID, NATIVE_FAILED.
   */
  loss(pixels: Uint8Array, shape: readonly number[], args: Spec): Promise<Float64Array>
  /** A model over a copy of the weights as they are. */
  inferenceModel(weights: 'ema' | 'raw'): Promise<NativeInferenceModel>
  dispose(): void
}

/**
 * Calls run one after the other on one thread. Those of samplers and inference models, describe() and info() go before
 * the others, and between the updates of a unit that runs, for at most half of the time.
 */
export interface Addon extends AddonEvaluate {
  info(): Promise<DeviceInfo>
  /**
   * `pixels` null: the set is not resident, and each step() is given the rows it needs. `labels`: rows of one width, one
   * row a picture.
   */
  images(
    pixels: Uint8Array | null,
    shape: readonly number[],
    device: string,
    labels?: Float32Array,
  ): Promise<NativeImages>
  /** With a `group` it computes its share of each batch, and all processes call step() alike. */
  trainer(spec: Spec, images: NativeImages, group?: NativeProcessGroup): Promise<NativeTrainer>
  /** Meets the other processes; native/core/api.h has the keys. Rejects with DISTRIBUTED_INVALID, PROCESS_LOST. */
  processGroup(spec: Spec): Promise<NativeProcessGroup>
  inferenceModel(spec: Spec, tensors: readonly HostTensor[]): Promise<NativeInferenceModel>
  describe(spec: Spec): Promise<Description>
  trace(spec: Spec): Promise<Graph>
  /** What a sampler with these options does with the output of that network. */
  planSampling(spec: Spec, args: Spec): Promise<SamplingPlan>
  /** Ends the running unit early, waits for it, and refuses further calls. */
  shutdown(): void
}
