/** First values for what a checkpoint does not hold: an imported one, or one of a run that had no labels yet. */
import { groupOf, isLabelState, type StateGroup } from '../checkpoint/state-names.ts'
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
 * A run that gets labels begins with weights of 0 for them, which change nothing until they have learned, and with
 * Adam's moments of 0. Resolves with the names of what else is missing.
 */
async function initLabels(
  trainer: NativeTrainer,
  missing: readonly string[],
  log: (line: string) => void,
): Promise<string[]> {
  const names = new Set(missing.filter(isLabelState))
  if (names.size === 0) return [...missing]
  for (const info of await trainer.tensors()) {
    if (!names.has(info.name)) continue
    const bytes = new Uint8Array(info.shape.reduce((product, side) => product * side, Float32Array.BYTES_PER_ELEMENT))
    await trainer.load([{ ...info, bytes }], 'same')
  }
  log('The network is told of labels from here on; until it has learned them, they change nothing.')
  return missing.filter((name) => !names.has(name))
}

/** For a run that started here, which may lack labels only. Throws CHECKPOINT_MISMATCH for the rest. */
export async function initMissingLabels(
  trainer: NativeTrainer,
  missing: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  const others = await initLabels(trainer, missing, log)
  if (others.length > 0)
    throw new ShinsakuError(
      'CHECKPOINT_MISMATCH',
      `The checkpoint lacks ${others.length} tensors that the network needs, such as ${others[0]}`,
    )
}

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
  const others = await initLabels(trainer, missing, log)
  const needed = others.find((name) => !mayBeMissing.some(([group]) => groupOf(name) === group))
  if (needed !== undefined)
    throw new ShinsakuError('CHECKPOINT_MISMATCH', `The imported checkpoint lacks ${needed}, which the network needs`)
  const missingGroups = new Set(others.map(groupOf))
  for (const [group, line] of mayBeMissing) if (missingGroups.has(group)) log(line)
  if (missingGroups.has('progress')) await trainer.startAt(images)
}
