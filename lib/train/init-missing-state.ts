/** What an imported checkpoint does not hold, begun anew when its run first goes on. */
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer } from '../native/addon.ts'

/** What may be missing in files of PyTorch programs, and what it means that it is. */
const beginnings: readonly (readonly [prefix: RegExp, line: string])[] = [
  [/^random\./, 'The generators begin anew from the seed.'],
  [/^progress\./, 'The order of the pictures begins anew, at the start of an epoch.'],
  [/^optimizer\./, 'Adam begins anew.'],
  [/^discriminator\./, 'The discriminator begins anew.'],
]

/**
 * Leaves the trainer's own first values where the checkpoint has none, and says so. `images` are those the network has
 * seen, which stand for whole epochs of `count` pictures. Throws CHECKPOINT_MISMATCH where weights are missing.
 */
export async function initMissingState(
  trainer: NativeTrainer,
  missing: readonly string[],
  images: number,
  count: number,
  batch: number,
  log: (line: string) => void,
): Promise<void> {
  const needed = missing.find((name) => !beginnings.some(([prefix]) => prefix.test(name)))
  if (needed !== undefined)
    throw new ShinsakuError('CHECKPOINT_MISMATCH', `The imported checkpoint lacks ${needed}, which the network needs`)
  for (const [prefix, line] of beginnings) if (missing.some((name) => prefix.test(name))) log(line)
  if (!missing.includes('progress.position')) return
  // Images seen, epochs begun, next picture and next batch in the epoch: at its end, so that the first batch begins one.
  const position = [images, Math.ceil(images / count), count, Math.ceil(count / batch)]
  const bytes = new Uint8Array(BigInt64Array.from(position.map(BigInt)).buffer)
  await trainer.load([{ name: 'progress.position', dtype: 'I64', shape: [position.length], bytes }])
}
