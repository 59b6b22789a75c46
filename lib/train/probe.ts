/** How fast a network trains on this machine: a few real updates of it, on pictures of noise. */
import { randomFillSync } from 'node:crypto'
import { type Placement, toSpec } from '../backend/placement.ts'
import { ShinsakuError } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { Addon } from '../native/addon.ts'
import { anyLabels, isLabelSet, labelGroups } from '../options/labels.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { usableMemory } from '../system/memory.ts'
import { trainingMemory } from './memory.ts'

/** What was measured of one network. */
export type Probe = { imagesPerSecond: number; updates: number; secondsPerUpdate: number }

/** A batch that is expected to take longer is not tried whole. */
const LONG_UPDATE_SECONDS = 3

/** Updates until so many seconds have passed, at least one; the first one of a trainer, which prepares, is not counted. */
async function time(
  addon: Addon,
  options: ResolvedTrainOptions,
  placement: Placement,
  seconds: number,
  now: () => number,
): Promise<Probe> {
  const { size, channels } = options
  const perUpdate = definitionOf(options.model).imagesPerUpdate(options)
  const shape = [options.batch, size, size, channels]
  const labels = isLabelSet(options.labels) ? anyLabels(labelGroups(options.labels), options.batch) : undefined
  const pixels = randomFillSync(new Uint8Array(shape.reduce((product, side) => product * side, 1)))
  const images = await addon.images(pixels, shape, placement.device, labels)
  try {
    const trainer = await addon.trainer(toSpec(options, placement), images)
    try {
      await trainer.step(1)
      const begun = now()
      let updates = 0
      let spent = 0
      do {
        await trainer.step(1)
        updates += 1
        spent = (now() - begun) / 1000
      } while (spent < seconds)
      return {
        imagesPerSecond: (updates * perUpdate) / spent,
        updates,
        secondsPerUpdate: spent / updates,
      }
    } finally {
      trainer.dispose()
    }
  } finally {
    images.dispose()
  }
}

/**
 * Images a second of these options, in about `seconds` and a first update. Where a whole batch would take long, two
 * pictures at a time say it nearly as well. Undefined where the network does not fit in memory. `now` gives milliseconds.
 */
export async function measureRate(
  addon: Addon,
  options: ResolvedTrainOptions,
  placement: Placement,
  seconds: number,
  now: () => number = () => performance.now(),
): Promise<Probe | undefined> {
  const network = await addon.describe(toSpec(options, placement))
  const { state, activation } = trainingMemory(options, placement, network, options.batch)
  if (placement.device === 'cpu' && state + activation > usableMemory()) return undefined
  const few = { ...options, batch: Math.min(2, options.batch), accumulate: 1 }
  try {
    const tried = await time(addon, few, placement, 0, now)
    if (tried.secondsPerUpdate * (options.batch / few.batch) > LONG_UPDATE_SECONDS) return tried
    return await time(addon, { ...options, accumulate: 1 }, placement, seconds, now)
  } catch (error) {
    if (error instanceof ShinsakuError && error.code === 'OUT_OF_MEMORY') return undefined
    throw error
  }
}
