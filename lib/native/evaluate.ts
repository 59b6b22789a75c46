/** The part of the addon's surface that measures pictures: their nearest neighbours, features, and distances of sets. */

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
 * resamples of the pictures of both sets, of which a picture and its own copies are no pair.
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

/** Measures of two sets of features, and what they are made from. Measures of pairs take the rows that are kept. */
export interface NativeEvaluate {
  pixelIndex(pixels: Uint8Array, shape: readonly number[]): Promise<NativePixelIndex>
}
