/** The user's cache folder, where libtorch and decoded pictures are kept. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `SHINSAKU_CACHE`, else `shinsaku` in `XDG_CACHE_HOME`, else `~/.cache/shinsaku`. It may not exist yet. */
export function userCacheFolder(): string {
  const { SHINSAKU_CACHE, XDG_CACHE_HOME } = process.env
  return SHINSAKU_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'shinsaku')
}
