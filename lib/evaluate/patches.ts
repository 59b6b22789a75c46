/** The sliced Wasserstein distance of patches, the measure that needs no weights; of so many pictures that memory is bounded. */
import type { NativeEvaluate, NativePatches } from '../native/evaluate.ts'
import { finishMeasure } from './finish-measure.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { type Interval, meanOf, shuffled } from './intervals.ts'
import { batchesOf, type PictureSet, range, subset } from './pictures.ts'

export type PatchNative = Pick<NativeEvaluate, 'patches' | 'slicedWasserstein'>

const BATCH = 32
/** Pictures of each set whose patches are compared. */
const MAX_PICTURES = 512
/** The distance is the mean over this many choices of patches and directions. */
const REPEATS = 4
/** Of each picture at each level. */
const PATCHES = 32
const PROJECTIONS = 256

/** A choice of at most as many pictures as are compared. */
const some = (set: PictureSet, seed: number): PictureSet =>
  set.count <= MAX_PICTURES ? set : subset(set, shuffled(set.count, seed).slice(0, MAX_PICTURES))

async function patchesOf(
  addon: PatchNative,
  set: PictureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<NativePatches> {
  const patches = await addon.patches({ perPicture: PATCHES, seed })
  try {
    for await (const { rows, shape } of batchesOf(some(set, seed), BATCH)) {
      throwIfAborted(hooks)
      await patches.append(rows, shape)
    }
    return patches
  } catch (error) {
    patches.dispose()
    throw error
  }
}

async function distance(
  addon: PatchNative,
  a: PictureSet,
  b: PictureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<number> {
  const ours = await patchesOf(addon, a, seed, hooks)
  try {
    const theirs = await patchesOf(addon, b, seed + 1, hooks)
    try {
      const measure = await addon.slicedWasserstein(ours, theirs, { projections: PROJECTIONS, seed })
      return (await finishMeasure(measure, { signal: hooks.signal })).value
    } finally {
      theirs.dispose()
    }
  } finally {
    ours.dispose()
  }
}

/** The mean over several choices of patches and directions, and their range. */
export async function patchDistance(
  addon: PatchNative,
  reference: PictureSet,
  samples: PictureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Interval> {
  const values: number[] = []
  for (let i = 0; i < REPEATS; i++) values.push(await distance(addon, reference, samples, seed + 2 * i, hooks))
  return { value: meanOf(values), low: Math.min(...values), high: Math.max(...values) }
}

/** The same between two halves of a set. */
export async function patchFloor(
  addon: PatchNative,
  set: PictureSet,
  seed: number,
  hooks: EvaluationHooks,
): Promise<Interval> {
  const values: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    const order = shuffled(set.count, seed + i)
    const half = Math.floor(set.count / 2)
    const [first, second] = [range(0, half), range(half, 2 * half)].map((places) =>
      subset(
        set,
        places.map((place) => order[place]!),
      ),
    ) as [PictureSet, PictureSet]
    values.push(await distance(addon, first, second, seed + 2 * i, hooks))
  }
  return { value: meanOf(values), low: Math.min(...values), high: Math.max(...values) }
}
