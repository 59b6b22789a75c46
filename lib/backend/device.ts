/** Which device a request means on this machine. */
import { ShinsakuError } from '../errors.ts'
import { loadNative } from '../native/load.ts'

/** "auto" is the GPU where there is one. Rejects with CUDA_UNAVAILABLE, which says what is missing. */
export async function resolveDevice(requested: 'auto' | 'cpu' | 'cuda'): Promise<'cpu' | 'cuda:0'> {
  if (requested === 'cpu') return 'cpu'
  const { addon, cudaProblem } = await loadNative()
  const problem = cudaProblem ?? ((await addon.info()).cudaDevices > 0 ? null : 'libtorch finds no GPU that it can use')
  if (problem === null) return 'cuda:0'
  if (requested === 'auto') return 'cpu'
  throw new ShinsakuError('CUDA_UNAVAILABLE', `device is "cuda", but ${problem}`, {
    hint: 'Use device "auto" or "cpu" to compute on the CPU.',
    details: { problem },
  })
}
