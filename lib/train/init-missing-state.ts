/** First values for what an imported checkpoint does not hold, when its run first goes on. */
import { groupOf, type StateGroup } from '../checkpoint/state-names.ts'
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer } from '../native/addon.ts'

/** What may be missing in files of PyTorch programs, and what it means that it is. */
const mayBeMissing: readonly (readonly [group: StateGroup, line: string])[] = [
  ['random', 'The generators begin anew from the seed.'],
  ['progress', 'The order of the pictures begins anew, at the start of an epoch.'],
  ['optimizer', 'Adam begins anew.'],
  ['discriminator', 'The discriminator begins anew.'],
]

/**
 * Leaves the trainer's own first values where the checkpoint has none, and says so. `images` are those the network has
 * seen. Throws CHECKPOINT_MISMATCH where weights are missing.
 */
export async function initMissingState(
  trainer: NativeTrainer,
  missing: readonly string[],
  images: number,
  log: (line: string) => void,
): Promise<void> {
  const needed = missing.find((name) => !mayBeMissing.some(([group]) => groupOf(name) === group))
  if (needed !== undefined)
    throw new ShinsakuError('CHECKPOINT_MISMATCH', `The imported checkpoint lacks ${needed}, which the network needs`)
  const missingGroups = new Set(missing.map(groupOf))
  for (const [group, line] of mayBeMissing) if (missingGroups.has(group)) log(line)
  if (missingGroups.has('progress')) await trainer.startAt(images)
}
