/** A tensor on its way into the addon. */
import type { TensorInfo } from '../safetensors/tensor-info.ts'

/** One named tensor, little-endian, row-major. `bytes` must not change until the call has settled. */
export type HostTensor = TensorInfo & { bytes: Uint8Array }
