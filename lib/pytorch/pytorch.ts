/** Opens a file that torch.save wrote: its containers as inert values, its tensors one at a time. Executes nothing. */
import { openRegular, readFully } from '../files/read.ts'
import { isLegacy, openLegacy, openZip } from './containers.ts'
import { invalid } from './failures.ts'
import { gather, spanOf } from './tensors.ts'
import type { Tensor, Value } from './values.ts'

/** An open PyTorch file whose structure has been read and checked. */
export type PytorchReader = {
  readonly root: Value
  /** Elements of one tensor of it, little-endian, row-major. */
  read(tensor: Tensor): Promise<Uint8Array>
  close(): Promise<void>
}

const ZIP_MAGIC = 0x04034b50
const HEAD_BYTES = 16

/** Opens a zip or legacy file. Throws PYTORCH_INVALID, or PICKLE_REFUSED where it names more than tensors need. */
export async function openPytorch(path: string): Promise<PytorchReader> {
  const file = await openRegular(path)
  try {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, file.bytes))
    if (!(await readFully(file, head, 0))) throw invalid(path, 'it became shorter while it was read')
    const isZip = head.length >= 4 && head.readUInt32LE(0) === ZIP_MAGIC
    if (!isZip && !isLegacy(head)) throw invalid(path, 'it does not begin as files of torch.save do')
    const { root, locate } = await (isZip ? openZip(file) : openLegacy(file))
    return {
      root,
      async read(tensor) {
        const { storage, offset } = tensor
        const begin = await locate(storage)
        const span = new Uint8Array(spanOf(tensor) * storage.itemBytes)
        if (!(await readFully(file, span, begin + offset * storage.itemBytes)))
          throw invalid(path, 'it became shorter while it was read')
        return gather(span, tensor)
      },
      close: () => file.file.close(),
    }
  } catch (error) {
    await file.file.close()
    throw error
  }
}
