/** What a training run would be, before it starts: layers, sizes, pictures, memory and disk. */

import type { Placement } from '../backend/placement.ts'
import type { Layer } from '../native/addon.ts'
import type { OptionOrigin } from '../options/recipes.ts'
import type { ResolvedTrainOptions, TrainOptions } from '../options/resolve.ts'

export type DescribeCall = TrainOptions & { signal?: AbortSignal }

export type RunDescription = Placement & {
  /** Complete options, defaults included. */
  options: ResolvedTrainOptions
  /** With a recipe, where each option comes from: "given", "stated" by the source, or "chosen" by us where it is silent. */
  origins: Readonly<Record<string, OptionOrigin>> | null
  /** Pictures to train on, held out, and not used. */
  data: { count: number; heldOut: number; skipped: number; warnings: readonly string[] }
  layers: readonly Layer[]
  parameters: number
  /**
   * Estimates: weights, gradients, Adam and EMA; activations of one batch; the copy that is written as a checkpoint
   * while training goes on; one checkpoint times keepCheckpoints.
   */
  memory: {
    stateBytes: number
    activationBytes: number
    snapshotBytes: number
    picturesBytes: number
    totalBytes: number
  }
  disk: { checkpointBytes: number; keptBytes: number }
}

const FLOAT = 4

/**
 * Checks options and data and describes the run without training, and without writing anything.
 * Rejects as `train()` would.
 */
export async function describe({ signal, ...given }: DescribeCall = {}): Promise<RunDescription> {
  const [{ resolveTrain }, { optionOrigins }, { loadNative }, { placeKnown }, { toSpec }, { loadDataset }] =
    await Promise.all([
      import('../options/resolve.ts'),
      import('../options/recipes.ts'),
      import('../native/load.ts'),
      import('../backend/select.ts'),
      import('../backend/placement.ts'),
      import('../data/dataset.ts'),
    ])
  const options = resolveTrain(given)
  const native = await loadNative()
  const { addon } = native
  const placement = await placeKnown(native, options)
  const { store, heldOut, manifest, warnings } = await loadDataset(options, {
    readOnly: true,
    ...(signal && { signal }),
  })
  await store.close()
  const { layers, parameters, activationBytes } = await addon.describe(toSpec(options, placement))
  const copies = { weights: 1, gradients: 1, adam: 2, ema: options.emaDecay === null ? 0 : 1 }
  const stateBytes = parameters * FLOAT * (copies.weights + copies.gradients + copies.adam + copies.ema)
  const checkpointBytes = parameters * FLOAT * (copies.weights + copies.adam + copies.ema)
  const activation = activationBytes * Math.min(options.batch, store.count)
  const picturesBytes = (store.resident?.byteLength ?? 0) + (heldOut?.resident?.byteLength ?? 0)
  return {
    ...placement,
    options,
    origins: options.recipe === null ? null : optionOrigins(options.recipe, options, given),
    data: { count: store.count, heldOut: heldOut?.count ?? 0, skipped: manifest.skipped.length, warnings },
    layers,
    parameters,
    memory: {
      stateBytes,
      activationBytes: activation,
      snapshotBytes: checkpointBytes,
      picturesBytes,
      totalBytes: stateBytes + activation + checkpointBytes + picturesBytes,
    },
    disk: { checkpointBytes, keptBytes: checkpointBytes * options.keepCheckpoints },
  }
}
