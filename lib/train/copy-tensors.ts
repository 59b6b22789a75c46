/** A trainer's state in memory, copied between two units, so that it can be written while training goes on. */
import { ShinsakuError } from '../errors.ts'
import type { NativeTrainer, TensorInfo } from '../native/addon.ts'

export type TensorCopies = {
  tensors: readonly TensorInfo[]
  read(name: string): Promise<Uint8Array>
}

/** What is saved once with NaN in it is NaN for ever, so such a state is refused. */
function notSaved(error: unknown, images: number): unknown {
  if (!(error instanceof ShinsakuError) || error.code !== 'WEIGHTS_NOT_FINITE') return error
  return new ShinsakuError(error.code, `The checkpoint at ${images} images was not saved: ${error.message}`, {
    cause: error,
    hint: 'Go on from the checkpoint before it with a lower lr.',
    details: { ...error.details, images },
  })
}

/**
 * Copies every tensor of the trainer, which stands at `images`. The copies are queued together: the device thread makes
 * them all before it takes up a unit that is queued after this call. Rejects with WEIGHTS_NOT_FINITE.
 */
export async function copyTensors(trainer: NativeTrainer, images: number): Promise<TensorCopies> {
  const tensors = await trainer.tensors()
  const copies = await Promise.all(tensors.map(async ({ name }) => [name, await trainer.tensor(name)] as const)).catch(
    (error) => {
      throw notSaved(error, images)
    },
  )
  const bytes = new Map(copies)
  return { tensors, read: async (name) => bytes.get(name)! }
}
