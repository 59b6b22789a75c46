/** All numbers of one set of samples against a reference, what each stands on, and the verdict. */
import type { NativeEvaluate } from '../native/evaluate.ts'
import { type ByFeatures, type FeatureCall, judgeByFeatures, type OpenExtractor } from './by-features.ts'
import { type ByPixels, judgeByPixels, type Sets } from './by-pixels.ts'
import { FEWEST_FOR_MANIFOLDS } from './features.ts'
import type { EvaluationHooks } from './hooks.ts'
import {
  type Basis,
  centreOf,
  type ExtractorInfo,
  type Judged,
  type Judgement,
  type MetricName,
  type Metrics,
  metricNames,
  type Pair,
} from './metrics.ts'
import { MAX_PAIRED, mixed, pairedCount } from './paired.ts'
import type { NamedStatistics } from './statistics.ts'
import { verdictOf } from './verdict.ts'

export type JudgeCall = {
  sets: Sets
  /** The network in the core, and what is on record of it; or why there is none. */
  extractor: { open: OpenExtractor; info: ExtractorInfo } | { missing: string }
  /** What FID is measured against in place of the reference; null for the reference. */
  statistics: NamedStatistics | null
  reference: string
  /** Where features of the reference and of held-out pictures are kept; null for nowhere. */
  kept: FeatureCall['kept']
  /** Of the files that samples are in. */
  format: string
  seed: number
}

/** A judgement, and what a report shows besides. */
export type JudgedPairs = {
  judgement: Judgement
  pixels: ByPixels
  features: ByFeatures | null
  /** The samples nearest to the reference, nearest first. */
  pairs: { pixels: Pair[]; features: Pair[] }
}

/** Pairs that a report shows. */
const SHOWN_PAIRS = 32

const CHANNELS = 3

const intervalTexts: Readonly<Partial<Record<MetricName, string>>> = {
  fid: '95 %, by a jackknife over 8 groups of samples',
  kid: '95 %, by 200 bootstraps of the pictures',
  mind: 'lowest and highest of 8 random subsets and directions',
  swd: 'lowest and highest of 4 choices of patches and directions',
}

const bootstrapText = '95 %, by a bootstrap over the pictures'

/** The pairs of samples and nearest pictures whose distances are least. */
export function closestPairs(nearest: ArrayLike<number>, distances: ArrayLike<number>, most = SHOWN_PAIRS): Pair[] {
  return Array.from(distances, (distance, sample) => ({
    sample,
    reference: nearest[sample]!,
    distance,
    mirrored: null,
  }))
    .filter(({ reference }) => reference >= 0)
    .sort((a, b) => a.distance - b.distance || a.sample - b.sample)
    .slice(0, most)
}

type Reasons = Judged['reasons']

function metricsOf(pixels: ByPixels, features: ByFeatures | null): Metrics {
  const { manifolds = null } = features ?? {}
  const fid = centreOf(features?.fid ?? null)
  return {
    fid: features?.fid ?? null,
    kid: features?.kid ?? null,
    mind: features?.mind ?? null,
    swd: pixels.swd,
    precision: manifolds?.precision ?? null,
    recall: manifolds?.recall ?? null,
    density: manifolds?.density ?? null,
    coverage: manifolds?.coverage ?? null,
    authPct: manifolds?.authPct ?? null,
    nnMae: pixels.nnMae,
    nnMaeTrain: pixels.nnMaeTrain,
    nwi: fid === null ? null : pixels.nnMae.value - fid,
    copyShare: pixels.copyShare,
    copyShareHeldOut: pixels.copyShareHeldOut,
  }
}

/** Why metrics are null. */
function reasonsOf(metrics: Metrics, { sets, extractor }: JudgeCall): Reasons {
  const reasons: Reasons = {}
  const few = `the reference has ${sets.reference.count} pictures`
  for (const name of metricNames) {
    if (metrics[name] !== null) continue
    if (name === 'copyShareHeldOut' && sets.heldOut === null) reasons[name] = 'no pictures are held out'
    else if (name === 'copyShare' || name === 'copyShareHeldOut' || name === 'nnMaeTrain') reasons[name] = few
    else if ('missing' in extractor) reasons[name] = extractor.missing
    else
      reasons[name] =
        `fewer than ${FEWEST_FOR_MANIFOLDS} pictures have no neighbours enough: ${sets.samples.count} samples, and ${few}`
  }
  return reasons
}

function basisOf(call: JudgeCall, metrics: Metrics, pixels: ByPixels): Basis {
  const { sets, extractor, reference, format } = call
  const fid = centreOf(metrics.fid)
  const mae = pixels.nnMae.value
  return {
    samples: { count: sets.samples.count, size: sets.samples.size, format },
    reference: { name: reference, count: sets.reference.count },
    heldOut: sets.heldOut && { count: sets.heldOut.count },
    ...(Math.max(sets.samples.count, sets.reference.count, sets.heldOut?.count ?? 0) > MAX_PAIRED && {
      paired: {
        samples: pairedCount(sets.samples),
        reference: pairedCount(sets.reference),
        heldOut: sets.heldOut && pairedCount(sets.heldOut),
      },
    }),
    extractor: 'missing' in extractor ? null : extractor.info,
    ...(call.statistics && { statistics: call.statistics.name }),
    nwi: fid === null ? null : { mae, fid, channelSum: CHANNELS * mae - fid },
    spread: pixels.spread,
    intervals: Object.fromEntries(
      metricNames
        .filter((name) => typeof metrics[name] === 'object' && metrics[name] !== null)
        .map((name) => [name, intervalTexts[name] ?? bootstrapText]),
    ),
  }
}

export async function judge(addon: NativeEvaluate, call: JudgeCall, hooks: EvaluationHooks): Promise<JudgedPairs> {
  const { sets, extractor, statistics, kept, seed } = call
  const [samples, reference] = [mixed(sets.samples), mixed(sets.reference)]
  const order: Sets = {
    samples: samples.pictures,
    reference: reference.pictures,
    groups: sets.groups.map((_, index) => sets.groups[reference.placeOf(index)]!),
    heldOut: sets.heldOut && mixed(sets.heldOut).pictures,
  }
  const pixels = await judgeByPixels(addon, order, seed, hooks)
  const features =
    'missing' in extractor
      ? null
      : await judgeByFeatures(addon, extractor.open, { ...order, statistics, kept }, seed, hooks)
  const metrics = metricsOf(pixels, features)
  const floor = pixels.swdFloor && {
    pictures: Math.floor(pairedCount(sets.reference) / 2),
    // Of halves of the reference, which say nothing about statistics of others.
    fid: statistics ? null : (features?.floor?.fid ?? null),
    kid: features?.floor?.kid ?? null,
    mind: features?.floor?.mind ?? null,
    swd: pixels.swdFloor,
  }
  const versusHeldOut = sets.heldOut && {
    fid: features?.heldOut?.fid ?? null,
    kid: features?.heldOut?.kid ?? null,
    mind: features?.heldOut?.mind ?? null,
    swd: pixels.swdHeldOut,
    nnMae: pixels.nnMaeHeldOut,
  }
  const n = sets.samples.count
  const judgement: Judgement = {
    ...metrics,
    n,
    reasons: reasonsOf(metrics, call),
    basis: basisOf(call, metrics, pixels),
    floor,
    versusHeldOut,
    verdict: verdictOf({
      ...metrics,
      n,
      pictures: sets.reference.count,
      spread: pixels.spread,
      swdFloor: pixels.swdFloor,
    }),
  }
  const { manifolds } = features ?? {}
  const placed = (pairs: Pair[]): Pair[] =>
    pairs.map((pair) => ({
      ...pair,
      sample: samples.placeOf(pair.sample),
      reference: reference.placeOf(pair.reference),
    }))
  return {
    judgement,
    pixels,
    features,
    pairs: {
      pixels: placed(closestPairs(pixels.nearest.indices, pixels.nearest.distances)),
      features: manifolds ? placed(closestPairs(manifolds.nearest, manifolds.nearestDistance)) : [],
    },
  }
}
