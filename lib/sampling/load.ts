/** `load()`, which brings in what opening a run needs when it is called and no sooner. */

import type { ImportOptions } from '../convert/import/open.ts'
import { throwIfAny } from '../errors.ts'
import { absolutePath } from '../options/paths.ts'
import type { LoadOptions, Model } from './model.ts'

/**
 * Loads the newest complete checkpoint of a run (or the checkpoint folder given) for sampling. Weights are read
 * at the first sample(). Rejects with RUN_NOT_FOUND, RUN_INVALID, CHECKPOINT_INVALID, OPTION_INVALID,
 * CUDA_UNAVAILABLE or what loading the addon gives. A file of a PyTorch program is loaded as well, with options for
 * what it does not say, such as its size; it rejects as `importCheckpoint()` does.
 */
export async function load(path: string, options: LoadOptions & ImportOptions = {}): Promise<Model> {
  if (typeof path !== 'string' || path === '')
    throwIfAny([{ path: 'path', message: `expected the path of a run folder, but got ${JSON.stringify(path)}` }])
  const given = absolutePath(path)
  const { openModel } = await import('./open.ts')
  return openModel(given, options)
}
