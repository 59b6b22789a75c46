/** How large the pictures of a source are, from a few of them. */
import { shorterSide } from '../images/decode.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { openSource } from './source.ts'

const LOOKED_AT = 32

/**
 * The median of the shorter sides of some pictures, spread over all, in pixels; Infinity for drawings, which have any
 * size, and where none can be read. Rejects with DATA_NOT_FOUND, OPTION_INVALID.
 */
export async function pictureSide(data: ResolvedTrainOptions['data']): Promise<number> {
  const { items } = await openSource(data)
  const step = Math.max(1, Math.floor(items.length / LOOKED_AT))
  const sides: number[] = []
  for (let i = 0; i < items.length && sides.length < LOOKED_AT; i += step) {
    const item = items[i]!
    // What cannot be read is for the reading of all to report.
    if ('file' in item)
      await shorterSide(item.file, item.member).then(
        (side) => sides.push(side),
        () => {},
      )
  }
  if (sides.length === 0) return Number.POSITIVE_INFINITY
  return sides.sort((a, b) => a - b)[Math.floor(sides.length / 2)]!
}
