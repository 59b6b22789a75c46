/** The user's cache folder, where libtorch and decoded pictures are kept. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ShinsakuError, throwIfAny } from '../errors.ts'

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

const units: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }
const DEFAULT_LIMIT = '20GB'

/** Bytes that decoded pictures may take in the cache: `SHINSAKU_CACHE_LIMIT`, else 20 GB. Throws OPTION_INVALID. */
export function cacheLimit(): number {
  const text = process.env.SHINSAKU_CACHE_LIMIT || DEFAULT_LIMIT
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?b)?$/i.exec(text.trim()) ?? []
  if (number === undefined)
    throwIfAny([
      {
        path: 'SHINSAKU_CACHE_LIMIT',
        message: `expected a size such as ${DEFAULT_LIMIT} or 500MB, but got ${JSON.stringify(text)}`,
      },
    ])
  return Number(number) * units[unit.toLowerCase()]!
}
