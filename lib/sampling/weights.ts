/** Which weights a model samples with where the caller leaves it open. */
import type { Weights } from '../checkpoint/state-names.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'

/** `averaged weights`, for people. */
export const weightsText = (weights: Weights): string => (weights === 'ema' ? 'averaged weights' : 'latest weights')

/** The average is worth more than the latest weights once a run is this many times as long as what it averages over. */
const WINDOWS = 2

/**
 * Averaged weights, but the latest ones where there is no average, and in a short run: an average over
 * `emaEvery / (1 - emaDecay)` updates still holds much of the untrained network until the run is twice as long.
 * An average by emaLength is as long as its run allows, so it always counts. A run that follows its reference to the bit, and one whose length is not known, samples as the reference does.
 */
export function autoWeights(
  { emaDecay, emaEvery, emaLength, exact }: Pick<ResolvedTrainOptions, 'emaDecay' | 'emaEvery' | 'emaLength' | 'exact'>,
  images: number,
  imagesPerUpdate: number,
): Weights {
  if (emaDecay === null) return 'raw'
  if (exact || images === 0 || emaLength !== null) return 'ema'
  return images / imagesPerUpdate >= (WINDOWS * emaEvery) / (1 - emaDecay) ? 'ema' : 'raw'
}
