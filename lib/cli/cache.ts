/** `shinsaku cache`: the decoded pictures that are kept between starts, and removing them. */
import { visible } from '../errors.ts'
import { formatBytes, formatCount, table } from './format.ts'
import type { Io } from './io.ts'

/** To the minute, in the clock of the machine. */
function formatDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** Lists what is kept, or removes it. */
export async function cacheCommand(clear: boolean, json: boolean, { stdout, stderr }: Io): Promise<void> {
  const { clearCache, listCache } = await import('../index.ts')
  const listing = await (clear ? clearCache() : listCache())
  const { folder, bytes, limitBytes, sets } = listing
  if (json) {
    stdout.write(`${JSON.stringify(clear ? { removed: listing } : listing)}\n`)
    return
  }
  const count = `${formatCount(sets.length)} ${sets.length === 1 ? 'set' : 'sets'} of decoded pictures or features, ${formatBytes(bytes)}`
  if (clear) {
    stderr.write(`Removed ${count}, from ${visible(folder)}.\n`)
    return
  }
  const rows = sets.map((set) => [
    formatDate(set.lastUsed),
    set.shape ?? 'unfinished',
    set.pictures === null ? '' : `${formatCount(set.pictures)} pictures`,
    formatBytes(set.bytes),
  ])
  if (rows.length > 0) stdout.write(`${table([['last used', 'size', '', ''], ...rows]).join('\n')}\n`)
  stderr.write(`${count} of at most ${formatBytes(limitBytes)} (SHINSAKU_CACHE_LIMIT), in ${visible(folder)}.\n`)
}
