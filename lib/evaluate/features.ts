/** Features of pictures, and the measures that are made of them: FID, KID, MIND, precision, recall and their relatives. */
import type { FeatureStatistics, NativeEmbedder, NativeEvaluate, NativeFeatures } from '../native/evaluate.ts'
import { finishMeasure } from './finish-measure.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { bootstrapMean, type Interval, meanOf, percentileInterval, shuffled } from './intervals.ts'
import { pairedCount } from './paired.ts'
import { batchesOf, type PictureSet } from './pictures.ts'

/** Pictures that one unit embeds. */
const BATCH = 32
/** Neighbours that a ball reaches to, as in the package prdc. */
const K = 5
const PROJECTIONS = 1000
const KID_BOOTSTRAPS = 200
/** MIND takes a subset of the larger set at random: it is the mean of this many. */
const MIND_SUBSETS = 8
/** The samples without one group after the other say how far FID may be off. */
const JACKKNIFE_GROUPS = 8

/**
 * Rows of features, one a picture. `native` has seen all `count` of them; the first `kept`, which are a fair choice, are
 * here in `rows` and there for what goes by pairs.
 */
export type FeatureSet = { rows: Float32Array; width: number; count: number; kept: number; native: NativeFeatures }

/** What measures need of the addon. */
export type FeatureNative = Pick<
  NativeEvaluate,
  'features' | 'frechetDistance' | 'kernelDistance' | 'precisionRecall' | 'mind'
>

const signalOf = ({ signal }: EvaluationHooks) => ({ signal })

/** Takes rows as they come; who has the result disposes of its `native`. Rejects as `source` does. */
export async function collectRows(
  addon: FeatureNative,
  width: number,
  count: number,
  source: AsyncIterable<Float32Array>,
): Promise<FeatureSet> {
  const kept = pairedCount({ count })
  const native = await addon.features(width, kept)
  const rows = new Float32Array(kept * width)
  let filled = 0
  try {
    for await (const some of source) {
      const room = Math.min(some.length, rows.length - filled)
      rows.set(some.subarray(0, room), filled)
      filled += room
      await native.append(some)
    }
  } catch (error) {
    native.dispose()
    throw error
  }
  return { rows, width, count, kept, native }
}

/** The rows of a set, a few at a time. */
export async function* embedded(
  embedder: NativeEmbedder,
  pictures: PictureSet,
  hooks: EvaluationHooks,
): AsyncGenerator<Float32Array> {
  for await (const { rows, shape } of batchesOf(pictures, BATCH)) {
    throwIfAborted(hooks)
    yield await embedder.embed(rows, shape)
  }
}

/** Some of the rows that are kept, as a set of their own. */
async function rowsOf(addon: FeatureNative, { rows, width }: FeatureSet, indices: Int32Array): Promise<FeatureSet> {
  const some = new Float32Array(indices.length * width)
  for (const [place, index] of indices.entries())
    some.set(rows.subarray(index * width, (index + 1) * width), place * width)
  return collectRows(addon, width, indices.length, once(some))
}

/** Rows that are all there. */
export async function* once(rows: Float32Array): AsyncGenerator<Float32Array> {
  yield rows
}

/** FID, or with another extractor its like. */
export const frechet = async (
  addon: FeatureNative,
  a: NativeFeatures | FeatureStatistics,
  b: FeatureSet,
  hooks: EvaluationHooks,
): Promise<number> => (await finishMeasure(await addon.frechetDistance(a, b.native), signalOf(hooks))).value

/**
 * FID with the bounds that a jackknife gives: the distance without each of eight groups of the samples. A bootstrap
 * would count pictures twice, which FID takes for less variety. Where not all samples are kept, the groups are of those
 * that are, and the bounds narrower as the square root says.
 */
export async function frechetInterval(
  addon: FeatureNative,
  reference: NativeFeatures | FeatureStatistics,
  samples: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<number | Interval> {
  const value = await frechet(addon, reference, samples, hooks)
  if (samples.count < 4 * JACKKNIFE_GROUPS) return value
  const order = shuffled(samples.kept, seed)
  const without: number[] = []
  for (let group = 0; group < JACKKNIFE_GROUPS; group++) {
    const left = await rowsOf(
      addon,
      samples,
      order.filter((_, i) => i % JACKKNIFE_GROUPS !== group),
    )
    try {
      without.push(await frechet(addon, reference, left, hooks))
    } finally {
      left.native.dispose()
    }
  }
  const mean = meanOf(without)
  const squares = without.reduce((sum, one) => sum + (one - mean) ** 2, 0)
  const spread = Math.sqrt(((JACKKNIFE_GROUPS - 1) / JACKKNIFE_GROUPS) * squares)
  const half = 1.96 * spread * Math.sqrt(samples.kept / samples.count)
  return { value, low: Math.max(0, value - half), high: value + half }
}

export async function kernelInterval(
  addon: FeatureNative,
  reference: FeatureSet,
  samples: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Interval> {
  const args = { bootstraps: KID_BOOTSTRAPS, seed }
  const { value, bootstraps } = await finishMeasure(
    await addon.kernelDistance(reference.native, samples.native, args),
    signalOf(hooks),
  )
  const { low, high } = percentileInterval(value, bootstraps)
  return { value, low: Math.min(low, value), high: Math.max(high, value) }
}

/** The mean over several subsets, and their range. */
export async function mindInterval(
  addon: FeatureNative,
  reference: FeatureSet,
  samples: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Interval> {
  const values: number[] = []
  for (let i = 0; i < MIND_SUBSETS; i++)
    values.push(
      (
        await finishMeasure(
          await addon.mind(reference.native, samples.native, { projections: PROJECTIONS, seed: seed + i }),
          signalOf(hooks),
        )
      ).value,
    )
  return { value: meanOf(values), low: Math.min(...values), high: Math.max(...values) }
}

export type Manifolds = {
  precision: Interval
  recall: Interval
  density: Interval
  coverage: Interval
  /** In percent. */
  authPct: Interval
  /** Of each sample, the nearest picture of the reference, and how far it is. */
  nearest: Float64Array
  nearestDistance: Float64Array
}

/** Precision, recall, density, coverage and AuthPct. Both sets have more than five pictures. */
export async function manifolds(
  addon: FeatureNative,
  reference: FeatureSet,
  samples: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Manifolds> {
  const found = await finishMeasure(
    await addon.precisionRecall(reference.native, samples.native, { k: K }),
    signalOf(hooks),
  )
  const { nearest, nearestDistance } = found
  return {
    precision: bootstrapMean(found.precise, seed),
    recall: bootstrapMean(found.recalled, seed),
    density: bootstrapMean(found.density, seed),
    coverage: bootstrapMean(found.covered, seed),
    authPct: bootstrapMean(
      found.authentic.map((one) => 100 * one),
      seed,
    ),
    nearest,
    nearestDistance,
  }
}

/** Fewer pictures have no k-th neighbour. */
export const FEWEST_FOR_MANIFOLDS = K + 1

/** Two halves of the rows that a set keeps, for its floor. */
export async function halvesOf(addon: FeatureNative, set: FeatureSet, seed: number): Promise<[FeatureSet, FeatureSet]> {
  const order = shuffled(set.kept, seed)
  const half = Math.floor(set.kept / 2)
  return [await rowsOf(addon, set, order.slice(0, half)), await rowsOf(addon, set, order.slice(half, 2 * half))]
}
