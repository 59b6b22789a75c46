/** Small tensors whose bytes follow from name and position, as a trainer would hand them out. */
import { createHash } from 'node:crypto'
import type { SaveRequest } from '../../lib/checkpoint/save.ts'
import type { TensorInfo } from '../../lib/native/addon.ts'

export const trainerTensors: readonly TensorInfo[] = [
  { name: 'model.weight', dtype: 'F32', shape: [3, 4] },
  { name: 'ema.model.weight', dtype: 'F32', shape: [3, 4] },
  { name: 'ema.initted', dtype: 'BOOL', shape: [] },
  { name: 'optimizer.step', dtype: 'I64', shape: [1] },
  { name: 'optimizer.exp_avg.model.weight', dtype: 'F32', shape: [3, 4] },
  { name: 'random.cpu', dtype: 'U8', shape: [5056] },
  { name: 'progress.order', dtype: 'I64', shape: [0] },
]

const itemBytes: Record<string, number> = { F32: 4, I64: 8, U8: 1, BOOL: 1 }

export function tensorBytes(name: string, images: number): Uint8Array {
  const { dtype, shape } = trainerTensors.find((tensor) => tensor.name === name)!
  const bytes = new Uint8Array(shape.reduce((product, side) => product * side, itemBytes[dtype]!))
  for (let i = 0; i < bytes.length; i += 32)
    bytes.set(
      createHash('sha256')
        .update(`${name} ${images} ${i}`)
        .digest()
        .subarray(0, bytes.length - i),
      i,
    )
  // Numbers, not NaN: one bit of each exponent is 0.
  if (dtype === 'F32') for (let i = 3; i < bytes.length; i += 4) bytes[i]! &= 0xbf
  return bytes
}

/** What a session would save at `images`. */
export function saveRequest(images: number, rest: Partial<SaveRequest> = {}): SaveRequest {
  return {
    state: {
      images,
      updates: Math.ceil(images / 4),
      epoch: 1,
      elapsedSeconds: images / 100,
      pending: { count: 2, sums: { loss: 0.5 } },
    },
    origin: { options: 'a'.repeat(64), pictures: 'b'.repeat(64) },
    tensors: trainerTensors,
    readTensor: async (name) => tensorBytes(name, images),
    keep: 3,
    ...rest,
  }
}
