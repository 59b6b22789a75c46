/** A native trainer over the pictures of a store. */
import { type Placement, toSpec } from '../backend/placement.ts'
import type { Dataset } from '../data/dataset.ts'
import type { NativeProcessGroup, NativeTrainer } from '../native/addon.ts'
import type { Loaded } from '../native/load.ts'
import { encodeAll } from '../options/labels.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'

/** With a `group` it computes its share of each batch. */
export async function makeTrainer(
  { addon }: Pick<Loaded, 'addon'>,
  options: ResolvedTrainOptions,
  placement: Placement,
  { store, manifest, labels }: Pick<Dataset, 'store' | 'manifest' | 'labels'>,
  group?: NativeProcessGroup,
): Promise<NativeTrainer> {
  const { resident, count, size, channels } = store
  const rows = labels === null ? undefined : encodeAll(labels, manifest.files)
  const images = await addon.images(resident, [count, size, size, channels], placement.device, rows)
  try {
    return await addon.trainer(toSpec(options, placement), images, group)
  } finally {
    images.dispose()
  }
}
