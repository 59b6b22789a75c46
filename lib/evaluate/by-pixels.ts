/** What pixels alone say: distances to the nearest training pictures, copies, variety, and how patches look. */
import type { NativeEvaluate } from '../native/evaluate.ts'
import { CopySearch, copiesAmong, copyShare } from './copies.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { bootstrapMean, type Interval } from './intervals.ts'
import { type Neighbours, nearest, nearestOthers } from './neighbours.ts'
import { pairedOf } from './paired.ts'
import { type PatchNative, patchDistance, patchFloor } from './patches.ts'
import { batchesOf, type PictureSet } from './pictures.ts'
import { pixelVariance } from './spread.ts'

export type PixelNative = PatchNative & Pick<NativeEvaluate, 'pixelIndex'>

/** The pictures of one evaluation, all of one size with three channels, the first of each a fair choice of all. */
export type Sets = {
  samples: PictureSet
  reference: PictureSet
  /** Which pictures of the reference are variants of one drawing. */
  groups: Int32Array
  heldOut: PictureSet | null
}

export type ByPixels = {
  nnMae: Interval
  nnMaeTrain: Interval | null
  nnMaeHeldOut: Interval | null
  copyShare: Interval | null
  copyShareHeldOut: Interval | null
  /** Side at which copies were looked for, in pixels. */
  copySide: number | null
  spread: number
  swd: Interval
  swdFloor: Interval | null
  swdHeldOut: Interval | null
  /** Of each sample the nearest picture of the reference, by the mean difference. */
  nearest: Neighbours
  /** Of each picture of the reference that was looked at, the distance to the nearest other one. */
  among: Float64Array
}

const BATCH = 32

/** Fewer pictures have no halves to speak of. */
const FEWEST_FOR_FLOOR = 8

/** How far the work is, over all of its passes over the pictures. */
function counter(total: number, { onProgress }: EvaluationHooks): (pictures: number) => void {
  let done = 0
  return (pictures) => {
    done += pictures
    onProgress?.({ phase: 'comparing pixels', done: Math.min(total, Math.round(done)), total })
  }
}

type CopyShares = Pick<ByPixels, 'copyShare' | 'copyShareHeldOut' | 'copySide'>

/** Shares of near copies among the samples and among the held-out pictures; null where nothing can be said. */
async function copySharesOf(
  addon: PixelNative,
  { samples, reference, groups, heldOut }: Sets,
  seed: number,
  hooks: EvaluationHooks & { onDone(pictures: number): void },
): Promise<CopyShares> {
  const search = await CopySearch.over(addon, reference, groups)
  if (search === undefined) return { copyShare: null, copyShareHeldOut: null, copySide: null }
  const shareAmong = async (pictures: PictureSet): Promise<Interval> => {
    const hits = new Uint8Array(pictures.count)
    for await (const { begin, rows, shape } of batchesOf(pictures, BATCH)) {
      throwIfAborted(hooks)
      hits.set(copiesAmong(await search.nearest(rows)), begin)
      hooks.onDone(shape[0])
    }
    const { value, low, high } = copyShare(hits, seed)
    return { value, low, high }
  }
  try {
    return {
      copyShare: await shareAmong(samples),
      copyShareHeldOut: heldOut && (await shareAmong(heldOut)),
      copySide: search.side,
    }
  } finally {
    search.dispose()
  }
}

export async function judgeByPixels(
  addon: PixelNative,
  sets: Sets,
  seed: number,
  hooks: EvaluationHooks,
): Promise<ByPixels> {
  const { reference } = sets
  const [samples, some] = [pairedOf(sets.samples), pairedOf(reference)]
  const heldOut = sets.heldOut && pairedOf(sets.heldOut)
  const heldOutCount = heldOut?.count ?? 0
  const onDone = counter(2 * samples.count + some.count + 2 * heldOutCount, hooks)
  const search = { ...hooks, onDone }
  const l1 = { metric: 'l1', mirrored: true } as const
  const nearestSamples = await nearest(addon, reference, samples, { ...l1, k: 1 }, search)
  const others =
    reference.count > 1 ? nearestOthers(await nearest(addon, reference, some, { ...l1, k: 2 }, search)) : null
  const copies = await copySharesOf(addon, { ...sets, samples, heldOut }, seed, search)
  const heldOutNearest = heldOut ? await nearest(addon, heldOut, samples, { ...l1, k: 1 }, hooks) : null
  const hasFloor = reference.count >= FEWEST_FOR_FLOOR
  const variance = await pixelVariance(some, hooks)
  return {
    nnMae: bootstrapMean(nearestSamples.distances, seed),
    nnMaeTrain: others && bootstrapMean(others.distances, seed),
    nnMaeHeldOut: heldOutNearest && bootstrapMean(heldOutNearest.distances, seed),
    ...copies,
    spread: variance === 0 ? 1 : (await pixelVariance(samples, hooks)) / variance,
    swd: await patchDistance(addon, reference, samples, seed, hooks),
    swdFloor: hasFloor ? await patchFloor(addon, reference, seed, hooks) : null,
    swdHeldOut: heldOut && (await patchDistance(addon, heldOut, samples, seed, hooks)),
    nearest: nearestSamples,
    among: others?.distances ?? new Float64Array(),
  }
}
