/** The elements of a tensor in row-major order, whatever its strides. */
import type { Tensor } from './values.ts'

/** Whether the elements lie one after the other already. */
export function isContiguous({ shape, strides }: Tensor): boolean {
  let expected = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false
    expected *= shape[i]!
  }
  return true
}

/** Elements from the first to the last that a tensor looks at, both included. */
export function spanOf({ shape, strides, elements }: Tensor): number {
  if (elements === 0) return 0
  return 1 + shape.reduce((sum, side, i) => sum + (side - 1) * strides[i]!, 0)
}

/** Bytes of a tensor in row-major order, from those of its span. */
export function gather(span: Uint8Array, tensor: Tensor): Uint8Array {
  if (isContiguous(tensor)) return span
  const { shape, strides, elements } = tensor
  const { itemBytes } = tensor.storage
  const result = new Uint8Array(elements * itemBytes)
  const index = new Array<number>(shape.length).fill(0)
  let from = 0
  for (let to = 0; to < elements; to++) {
    for (let b = 0; b < itemBytes; b++) result[to * itemBytes + b] = span[from * itemBytes + b]!
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i]! += 1
      from += strides[i]!
      if (index[i]! < shape[i]!) break
      from -= strides[i]! * shape[i]!
      index[i] = 0
    }
  }
  return result
}
