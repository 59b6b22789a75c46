/** Which weights a model samples with where the caller leaves it open. */
import type { Weights } from '../checkpoint/state-names.ts'
import type { ResolvedTrainOptions } from '../options/resolve.ts'

/** The average is worth more than the latest weights once a run is this many times as long as what it averages over. */
const WINDOWS = 2

/**
 * Averaged weights, but the latest ones where there is no average, and in a short run: an average over
 * `emaEvery / (1 - emaDecay)` updates still holds much of the untrained network until the run is twice as long.
 * A run that follows its reference to the bit, and one whose length is not known, samples as the reference does.
 */
export function autoWeights(
  { emaDecay, emaEvery, exact }: Pick<ResolvedTrainOptions, 'emaDecay' | 'emaEvery' | 'exact'>,
  images: number,
  imagesPerUpdate: number,
): Weights {
  if (emaDecay === null) return 'raw'
  if (exact || images === 0) return 'ema'
  return images / imagesPerUpdate >= (WINDOWS * emaEvery) / (1 - emaDecay) ? 'ema' : 'raw'
}
