/** The user's cache folder, where libtorch and decoded pictures are kept. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'

/** Throws CACHE_MISSING where HOME is not set and the user has no entry in passwd, as in some containers. */
function homeFolder(): string {
  let home = ''
  let cause: unknown
  try {
    home = homedir()
  } catch (error) {
    cause = error
  }
  if (home !== '') return home
  throw new ShinsakuError('CACHE_MISSING', 'This user has no home folder, where the cache would be', {
    cause,
    hint: 'Set SHINSAKU_CACHE to a folder that can be written to, or set HOME.',
  })
}

/** `SHINSAKU_CACHE`, else `shinsaku` in `XDG_CACHE_HOME`, else `~/.cache/shinsaku`. It may not exist yet. Throws CACHE_MISSING. */
export function userCacheFolder(): string {
  const { SHINSAKU_CACHE, XDG_CACHE_HOME } = process.env
  return SHINSAKU_CACHE || join(XDG_CACHE_HOME || join(homeFolder(), '.cache'), 'shinsaku')
}
