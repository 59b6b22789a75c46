/** `verify()`, which brings in what reading a whole run needs when it is called and no sooner. */
import { throwIfAny } from '../errors.ts'
import { absolutePath } from '../options/paths.ts'
import type { Check, Verification } from './verify-run.ts'

export type { Check, Verification }

/**
 * Reads everything that a run folder (or one checkpoint folder) holds and says, file by file, whether it is as it
 * was written. Changes nothing; a damaged file is a finding, not an error. Rejects with RUN_NOT_FOUND,
 * OPTION_INVALID, or FILE_FAILED where this process may not read.
 */
export async function verify(path: string): Promise<Verification> {
  if (typeof path !== 'string' || path === '')
    throwIfAny([{ path: 'path', message: `expected the path of a run folder, but got ${JSON.stringify(path)}` }])
  const given = absolutePath(path)
  const { verifyRun } = await import('./verify-run.ts')
  return verifyRun(given)
}
