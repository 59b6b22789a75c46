/** The part of the addon's surface that measures pictures: their nearest neighbours, features, and distances of sets. */
import type { HostTensor } from './host-tensor.ts'

/** Pictures in which the nearest ones of others are looked for, uint8 NHWC, copied and kept. */
export interface NativePixelIndex {
  /**
   * The `k` pictures of the index that are nearest to each of `pixels`, uint8 of `shape` [n, height, width, channels],
   * nearest first; of equally near ones the one that comes first. Rows of k. Distances are exact, on the scale of 0 to
   * 255: "l1" is the mean of |x - y| over height, width and channels, "l2" the root of the mean of (x - y)². `mirrored`:
   * that of the picture or of its mirror image, whichever is less. One unit, as long as n times the size of the index;
   * give 16 to 64 pictures. Rejects with SHAPE_INVALID for pictures of another size, and for a `k` that is more than the
   * index has.
   */
  nearest(
    pixels: Uint8Array,
    shape: readonly number[],
    args: { k: number; metric: 'l1' | 'l2'; mirrored: boolean },
  ): Promise<{ indices: Int32Array; distances: Float64Array }>
  dispose(): void
}

/** A network that makes features of pictures. */
export interface NativeEmbedder {
  /**
   * uint8 [n, height, width, 3] of any size to rows of features, float32 [n, width]. One unit; give 16 to 64 pictures.
   * Rejects with WEIGHTS_NOT_FINITE where a feature is NaN or infinite.
   */
  embed(pixels: Uint8Array, shape: readonly number[]): Promise<Float32Array>
  dispose(): void
}

/** Which network an embedder is, and where it computes, always in float32. */
export type EmbedderSpec = Readonly<{
  network: 'inception' | 'efficientnet-lite0'
  /** Width of the features: of inception 64, 192, 768 or 2048 as pytorch-fid has them; of efficientnet-lite0 1280. */
  output: number
  /** "cpu" or "cuda:N". */
  device: string
}>

/** Mean [width] and covariance [width, width] of rows of features, row-major; n - 1 is what the covariance divides by. */
export type FeatureStatistics = { mean: Float64Array; covariance: Float64Array }

/** Rows of features of a set of pictures. */
export interface NativeFeatures {
  /** Float32 [n, width], one row after the other. Rejects with SHAPE_INVALID when they are no whole rows. */
  append(rows: Float32Array): Promise<void>
  /** Of all rows, in float64. Rejects with DATA_TOO_FEW for less than two. */
  statistics(): Promise<FeatureStatistics & { n: number }>
  dispose(): void
}

/** Patches of pictures at every level of their Laplacian pyramids. */
export interface NativePatches {
  /** uint8 [n, height, width, channels], all of one size. */
  append(pixels: Uint8Array, shape: readonly number[]): Promise<void>
  dispose(): void
}

/** A measure of two sets while it is computed. What is appended to them later does not count. */
export interface NativeMeasure<Result> {
  /** One bounded unit of work; resolves to true when it is finished. */
  step(): Promise<boolean>
  /** Share of the work that is done, 0 to 1. */
  progress(): Promise<number>
  /** Once it is finished; NATIVE_FAILED before. */
  result(): Promise<Result>
  dispose(): void
}

/** `value` is |mean a - mean b|² + tr A + tr B - 2 tr (A B)^1/2, of covariances A and B. */
export type FrechetDistance = { value: number; meanTerm: number; covarianceTerm: number }

/**
 * KID: the unbiased squared MMD of all pairs, with the kernel (x.y / width + 1)³; it may be negative. `bootstraps`: of
 * resamples of the pictures of both sets, of which a picture and its own copies are no pair. For sets that are alike they
 * spread up to twice as wide as the distances of fresh sets do (Arcones and Giné 1992), so that an interval made of them
 * is on the safe side.
 */
export type KernelDistance = { value: number; bootstraps: Float64Array }

/**
 * One number for each picture, of which the metrics are the means. Of fake ones: `precise` (1 in at least one real
 * picture's ball), `density` (real balls it lies in, over k), `authentic` (1 where the nearest real picture is farther
 * than that one's own nearest real picture), `nearest` (index of the nearest real picture) and `nearestDistance`. Of real
 * ones: `recalled` (1 in at least one fake picture's ball), `covered` (1 where the nearest fake picture lies in its ball).
 * A ball's radius is the distance to the k-th nearest picture of the own set.
 */
export type PrecisionRecall = {
  precise: Float64Array
  density: Float64Array
  authentic: Float64Array
  nearest: Float64Array
  nearestDistance: Float64Array
  recalled: Float64Array
  covered: Float64Array
}

/**
 * Sliced Wasserstein distance, times 1,000 as it is usually printed. `levels`: of each level of the pyramid, whose
 * pictures are `heights` tall: from the whole picture down to 16 to 31 pixels, or only the whole one where it is smaller
 * or cannot be halved. `value`: their mean.
 */
export type SlicedWasserstein = { value: number; levels: Float64Array; heights: Float64Array }

/**
 * What judges pictures. Measures of two sets are made at once and computed by `step()` until it resolves to true. All
 * reject with SHAPE_INVALID for sets of different widths or sizes, and with DATA_TOO_FEW for too few pictures. Those of
 * pairs (`kernelDistance`, `precisionRecall`, `mind`) take the rows that the sets keep.
 */
export interface NativeEvaluate {
  pixelIndex(pixels: Uint8Array, shape: readonly number[]): Promise<NativePixelIndex>
  /**
   * `tensors`: a state dict, of inception with torchvision's names as pytorch-fid's file has them, of efficientnet-lite0
   * with those of efficientnet_lite_pytorch; what the network does not need is ignored. Rejects with CHECKPOINT_MISMATCH,
   * which names the tensor, where one is missing or has another shape.
   */
  embedder(spec: EmbedderSpec, tensors: readonly HostTensor[]): Promise<NativeEmbedder>
  /**
   * An empty set of rows. The first `keep` are kept, 4 bytes a value, for measures of pairs; mean and covariance are of
   * all that are appended, so that memory does not grow with them.
   */
  features(width: number, keep: number): Promise<NativeFeatures>
  /**
   * An empty set of patches of 7 x 7: `perPicture` of each picture at each level, at places drawn from `seed`. Each takes
   * 196 bytes a channel, so memory grows with the pictures: give at most some thousands.
   */
  patches(args: { perPicture: number; seed: number }): Promise<NativePatches>
  /**
   * FID, of rows or of the statistics of a file. Its last unit is one decomposition, which cannot be divided: seconds for
   * 2,048 features. Sets with fewer rows than features, all of them kept, are compared by a singular value decomposition
   * that loses nothing to their singular covariances.
   */
  frechetDistance(
    a: NativeFeatures | FeatureStatistics,
    b: NativeFeatures | FeatureStatistics,
  ): Promise<NativeMeasure<FrechetDistance>>
  kernelDistance(
    a: NativeFeatures,
    b: NativeFeatures,
    args: { bootstraps: number; seed: number },
  ): Promise<NativeMeasure<KernelDistance>>
  precisionRecall(
    real: NativeFeatures,
    fake: NativeFeatures,
    args: { k: number },
  ): Promise<NativeMeasure<PrecisionRecall>>
  /** MIND as torch-fidelity has it. Of the larger set as many rows as the smaller has, drawn from `seed`, count. */
  mind(
    a: NativeFeatures,
    b: NativeFeatures,
    args: { projections: number; seed: number },
  ): Promise<NativeMeasure<{ value: number }>>
  /** Of sets of any two sizes. `projections` random directions at each level, drawn from `seed`. */
  slicedWasserstein(
    a: NativePatches,
    b: NativePatches,
    args: { projections: number; seed: number },
  ): Promise<NativeMeasure<SlicedWasserstein>>
}

/** The same as the addon has it: how many CPU threads each of its units is to use comes last. */
export type AddonEvaluate = {
  [Name in keyof NativeEvaluate]: (
    ...args: [...Parameters<NativeEvaluate[Name]>, threads: number]
  ) => ReturnType<NativeEvaluate[Name]>
}
