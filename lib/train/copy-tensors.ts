/** A trainer's state in memory, copied between two units, so that it can be written while training goes on. */
import type { NativeTrainer, TensorInfo } from '../native/addon.ts'

export type TensorCopies = {
  tensors: readonly TensorInfo[]
  read(name: string): Promise<Uint8Array>
}

/**
 * Copies every tensor of the trainer. The copies are queued together: the device thread makes them all before it
 * takes up a unit that is queued after this call.
 */
export async function copyTensors(trainer: NativeTrainer): Promise<TensorCopies> {
  const tensors = await trainer.tensors()
  const copies = await Promise.all(tensors.map(async ({ name }) => [name, await trainer.tensor(name)] as const))
  const bytes = new Map(copies)
  return { tensors, read: async (name) => bytes.get(name)! }
}
