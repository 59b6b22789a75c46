/** `listCache()` and `clearCache()`, which bring in what they need when they are called and no sooner. */
import type { CachedSet, CacheListing } from './cache-folder.ts'

export type { CachedSet, CacheListing }

/**
 * The decoded pictures, and features of pictures, that are kept between starts, the most recently used set first. Rejects with CACHE_MISSING,
 * OPTION_INVALID for a SHINSAKU_CACHE_LIMIT that is no size.
 */
export async function listCache(): Promise<CacheListing> {
  const { listFolder } = await import('./cache-folder.ts')
  return listFolder()
}

/**
 * Removes them; the next start decodes its pictures again. A run that trains goes on. Resolves with what was there.
 * Rejects as listCache() does, and with FILE_FAILED.
 */
export async function clearCache(): Promise<CacheListing> {
  const { clearFolder } = await import('./cache-folder.ts')
  return clearFolder()
}
