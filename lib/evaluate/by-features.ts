/** What a network sees: FID, KID, MIND, precision, recall, density, coverage and AuthPct of one evaluation. */
import type { FeatureStatistics, NativeEmbedder } from '../native/evaluate.ts'
import type { Sets } from './by-pixels.ts'
import {
  embedSet,
  FEWEST_FOR_MANIFOLDS,
  type FeatureNative,
  type FeatureSet,
  frechet,
  frechetInterval,
  halvesOf,
  kernelInterval,
  type Manifolds,
  manifolds,
  mindInterval,
} from './features.ts'
import type { EvaluationHooks } from './hooks.ts'
import { type Interval, meanOf } from './intervals.ts'
import type { Measured } from './metrics.ts'

/** An extractor in the core, and how long its rows are. */
export type OpenExtractor = { embedder: NativeEmbedder; width: number }

export type Distances = { fid: Measured; kid: Measured; mind: Measured }

export type ByFeatures = Distances & {
  manifolds: Manifolds | null
  floor: Distances | null
  heldOut: Distances | null
  /** Features of the reference, for whoever wants its statistics. */
  reference: FeatureSet
}

/** Random splits into halves, over which the floor is averaged. */
const SPLITS = 4
const FEWEST_FOR_FLOOR = 8

const averaged = (values: readonly number[]): Interval => ({
  value: meanOf(values),
  low: Math.min(...values),
  high: Math.max(...values),
})

async function distancesBetween(
  addon: FeatureNative,
  reference: FeatureSet,
  samples: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
  statistics: FeatureStatistics | null = null,
): Promise<Distances> {
  return {
    fid: await frechetInterval(addon, statistics ?? reference.native, samples, seed, hooks),
    kid: await kernelInterval(addon, reference, samples, seed, hooks),
    mind: await mindInterval(addon, reference, samples, seed, hooks),
  }
}

/** Distances between random halves of the reference: their mean, and their range. */
async function floorOf(
  addon: FeatureNative,
  reference: FeatureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Distances> {
  const found: Record<keyof Distances, number[]> = { fid: [], kid: [], mind: [] }
  for (let split = 0; split < SPLITS; split++) {
    const [first, second] = await halvesOf(addon, reference, seed + split)
    try {
      found.fid.push(await frechet(addon, first.native, second, hooks))
      found.kid.push((await kernelInterval(addon, first, second, seed + split, hooks)).value)
      found.mind.push((await mindInterval(addon, first, second, seed + split, hooks)).value)
    } finally {
      first.native.dispose()
      second.native.dispose()
    }
  }
  return { fid: averaged(found.fid), kid: averaged(found.kid), mind: averaged(found.mind) }
}

/** The caller disposes of `reference.native`. */
export async function judgeByFeatures(
  addon: FeatureNative,
  { embedder, width }: OpenExtractor,
  { samples, reference, heldOut, statistics }: Sets & { statistics: FeatureStatistics | null },
  seed: number,
  hooks: EvaluationHooks,
): Promise<ByFeatures> {
  const total = samples.count + reference.count + (heldOut?.count ?? 0)
  let done = 0
  const onDone = (pictures: number) => {
    done += pictures
    hooks.onProgress?.({ phase: 'extracting features', done, total })
  }
  const sets: FeatureSet[] = []
  const embed = async (pictures: Sets['samples']) => {
    const set = await embedSet(addon, embedder, width, pictures, { ...hooks, onDone })
    sets.push(set)
    return set
  }
  try {
    const real = await embed(reference)
    const fake = await embed(samples)
    const unseen = heldOut && (await embed(heldOut))
    hooks.onProgress?.({ phase: 'distances', done: 0, total: 1 })
    const enough = Math.min(real.count, fake.count) >= FEWEST_FOR_MANIFOLDS
    const result: ByFeatures = {
      ...(await distancesBetween(addon, real, fake, seed, hooks, statistics)),
      manifolds: enough ? await manifolds(addon, real, fake, seed, hooks) : null,
      floor: real.count >= FEWEST_FOR_FLOOR ? await floorOf(addon, real, seed, hooks) : null,
      heldOut: unseen && unseen.count > 1 ? await distancesBetween(addon, unseen, fake, seed, hooks) : null,
      reference: real,
    }
    sets.splice(sets.indexOf(real), 1)
    return result
  } finally {
    for (const { native } of sets) native.dispose()
  }
}
