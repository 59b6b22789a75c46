/** Checkpoints that stay beside the newest: the first one of each doubling of the images, so that there is one to go back to. */

/** So many doublings at most, the latest ones. */
const MAX_MILESTONES = 8

const doublingOf = (images: number): number => Math.floor(Math.log2(Math.max(1, images)))

/** The first of `positions` in each doubling, of the latest doublings. */
export function milestonesAmong(positions: readonly number[]): Set<number> {
  const first = new Map<number, number>()
  for (const images of [...positions].sort((a, b) => a - b)) {
    const doubling = doublingOf(images)
    if (!first.has(doubling)) first.set(doubling, images)
  }
  return new Set([...first.values()].slice(-MAX_MILESTONES))
}

/** How many a run that saves every `checkpointImages` has at its end, at most. */
export function countMilestones({
  checkpointImages,
  maxImages,
}: {
  checkpointImages: number
  maxImages: number
}): number {
  const doublings = doublingOf(maxImages) - doublingOf(Math.min(checkpointImages, maxImages)) + 1
  return Math.min(MAX_MILESTONES, doublings)
}
