/** What a network sees: FID, KID, MIND, precision, recall, density, coverage and AuthPct of one evaluation. */
import type { FeatureStatistics, NativeEmbedder } from '../native/evaluate.ts'
import type { Sets } from './by-pixels.ts'
import type { FeatureCache } from './feature-cache.ts'
import {
  collectRows,
  embedded,
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
  once,
} from './features.ts'
import type { EvaluationHooks } from './hooks.ts'
import { type Interval, meanOf } from './intervals.ts'
import type { Measured } from './metrics.ts'
import { MAX_PAIRED } from './paired.ts'

/** An extractor in the core, and how long its rows are. */
export type OpenExtractor = { embedder: NativeEmbedder; width: number }

export type FeatureCall = Sets & {
  statistics: FeatureStatistics | null
  /** Where features of the reference and of held-out pictures are kept; null for nowhere. */
  kept: { reference: FeatureCache; heldOut: FeatureCache | null } | null
}

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
  { samples, reference, heldOut, statistics, kept }: FeatureCall,
  seed: number,
  hooks: EvaluationHooks,
): Promise<ByFeatures> {
  const total = samples.count + reference.count + (heldOut?.count ?? 0)
  let done = 0
  /** Counts rows as they pass. */
  async function* counted(rows: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array> {
    for await (const some of rows) {
      done += some.length / width
      hooks.onProgress?.({ phase: 'extracting features', done, total })
      yield some
    }
  }
  const sets: FeatureSet[] = []
  const embed = async (pictures: Sets['samples'], cache: FeatureCache | null) => {
    const known = pictures.count <= MAX_PAIRED ? ((await cache?.read(pictures.count)) ?? null) : null
    const rows = known ? once(known) : embedded(embedder, pictures, hooks)
    const set = await collectRows(addon, width, pictures.count, counted(rows))
    sets.push(set)
    if (!known && set.kept === set.count) await cache?.write(set.rows)
    return set
  }
  try {
    const real = await embed(reference, kept?.reference ?? null)
    const fake = await embed(samples, null)
    const unseen = heldOut && (await embed(heldOut, kept?.heldOut ?? null))
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
