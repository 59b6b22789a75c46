/** How many pictures of a set are compared with each other one by one, and which: memory and time stay in bounds. */
import { shuffled } from './intervals.ts'
import { type PictureSet, subset } from './pictures.ts'

/**
 * What goes by pairs of pictures goes by so many of each set at most: intervals are narrow by then, and the work grows
 * with the square. FID goes by all.
 */
export const MAX_PAIRED = 4096

/** Of the order of larger sets: the same in every evaluation, so that features can be kept. */
const SEED = 20_220_713

/** A set whose first pictures are a fair choice of all. */
export type Mixed = {
  pictures: PictureSet
  /** Index in the set as it was, of a picture in this one. */
  placeOf(index: number): number
}

/** The set itself where all of it is compared; else in random order, so that no folder or alphabet decides. */
export function mixed(set: PictureSet): Mixed {
  if (set.count <= MAX_PAIRED) return { pictures: set, placeOf: (index) => index }
  const order = shuffled(set.count, SEED)
  return { pictures: subset(set, order), placeOf: (index) => order[index]! }
}

export const pairedCount = ({ count }: Pick<PictureSet, 'count'>): number => Math.min(count, MAX_PAIRED)

/** The pictures that are compared one by one. */
export const pairedOf = (set: PictureSet): PictureSet =>
  set.count <= MAX_PAIRED ? set : { ...set, count: MAX_PAIRED, read: (indices) => set.read(indices) }
