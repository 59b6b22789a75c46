/** How varied pictures are, by their pixels alone: what tells a collapse and half the variety from a good model. */
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { batchesOf, type PictureSet } from './pictures.ts'

const BATCH = 64

/** Variance of each value over the pictures of a set, averaged over all values; on the scale 0 to 255, squared. */
export async function pixelVariance(set: PictureSet, hooks: EvaluationHooks = {}): Promise<number> {
  const length = set.size * set.size * set.channels
  const [sums, squares] = [new Float64Array(length), new Float64Array(length)]
  for await (const { rows } of batchesOf(set, BATCH)) {
    throwIfAborted(hooks)
    for (let at = 0; at < rows.length; at += length)
      for (let i = 0; i < length; i++) {
        const value = rows[at + i]!
        sums[i]! += value
        squares[i]! += value * value
      }
  }
  let variance = 0
  for (let i = 0; i < length; i++) variance += squares[i]! / set.count - (sums[i]! / set.count) ** 2
  return variance / length
}
