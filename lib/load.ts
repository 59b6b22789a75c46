/** `load()`, which brings in what opening a run needs when it is called and no sooner. */
import { throwIfAny } from './errors.ts'
import type { LoadOptions, Model } from './model.ts'

/**
 * Loads the newest complete checkpoint of a run (or the checkpoint folder given) for sampling. Weights are read
 * at the first sample(). Rejects with RUN_NOT_FOUND, RUN_INVALID, CHECKPOINT_INVALID, OPTION_INVALID,
 * CUDA_UNAVAILABLE or what loading the addon gives.
 */
export async function load(path: string, options: LoadOptions = {}): Promise<Model> {
  if (typeof path !== 'string' || path === '')
    throwIfAny([{ path: 'path', message: `expected the path of a run folder, but got ${JSON.stringify(path)}` }])
  const { openModel } = await import('./open.ts')
  return openModel(path, options)
}
