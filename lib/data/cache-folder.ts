/** The folder of decoded pictures as a whole: what is in it, how much it may hold, and clearing it. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { disk, remove } from '../files/write.ts'
import { cacheLimit, userCacheFolder } from '../system/cache.ts'
import { EXTENSION, readEntries } from './pixel-cache.ts'

/** Of features of pictures, which measuring keeps here too, so that one limit holds for all. */
export const FEATURES_EXTENSION = '.features'

/** What a start that was interrupted has decoded, or was writing. */
const unfinished = (name: string): boolean => name.endsWith('.partial') || name.startsWith('.tmp-')
/** It may still be written to. */
const FRESH_MS = 24 * 3600 * 1000

/** Pictures decoded together, or their features, as they are kept. */
export type CachedSet = {
  path: string
  /** null for what an interrupted start has left. */
  pictures: number | null
  /** Of each picture, such as "128x128x3" or "1280 features"; null where it is not known. */
  shape: string | null
  bytes: number
  lastUsed: Date
}

export type CacheListing = { folder: string; bytes: number; limitBytes: number; sets: CachedSet[] }

type Kept = { name: string; path: string; bytes: number; lastUsed: Date }

export const pixelsFolder = (): string => join(userCacheFolder(), 'pixels')

/** The least recently used first. */
async function keptIn(folder: string): Promise<Kept[]> {
  const kept: Kept[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    if (![EXTENSION, FEATURES_EXTENSION].some((end) => name.endsWith(end)) && !unfinished(name)) continue
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (info?.isFile()) kept.push({ name, path, bytes: info.size, lastUsed: info.mtime })
  }
  return kept.sort((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime())
}

const sum = (kept: readonly { bytes: number }[]): number => kept.reduce((total, { bytes }) => total + bytes, 0)

/**
 * Notes that the set at `path` is used now, and removes the least recently used others until all take at most
 * `limitBytes`. What cannot be noted or removed is left: a cache is no reason to fail.
 */
export async function keepWithin(folder: string, path: string, limitBytes: number): Promise<void> {
  await disk.touch(path).catch(() => {})
  const kept = await keptIn(folder)
  let total = sum(kept)
  for (const { name, path: other, bytes, lastUsed } of kept) {
    if (total <= limitBytes) return
    if (other === path || (unfinished(name) && Date.now() - lastUsed.getTime() < FRESH_MS)) continue
    await remove(other).then(
      () => {
        total -= bytes
      },
      () => {},
    )
  }
}

async function toSet({ name, path, bytes, lastUsed }: Kept): Promise<CachedSet> {
  const [, rows, width] = /-(\d+)x(\d+)-[0-9a-f]+\.features$/.exec(name) ?? []
  if (rows !== undefined) return { path, pictures: Number(rows), shape: `${width} features`, bytes, lastUsed }
  const [, size, channels] = /^(\d+)x(\d)-/.exec(name) ?? []
  const entries = unfinished(name) ? null : await readEntries(path)
  const shape = size === undefined ? null : `${size}x${size}x${channels}`
  return { path, pictures: entries?.length ?? null, shape, bytes, lastUsed }
}

/** What is in the folder, the most recently used first. */
export async function listFolder(): Promise<CacheListing> {
  const folder = pixelsFolder()
  const sets: CachedSet[] = []
  for (const kept of (await keptIn(folder)).reverse()) sets.push(await toSet(kept))
  return { folder, bytes: sum(sets), limitBytes: cacheLimit(), sets }
}

/** Removes all of it; resolves with what was there. */
export async function clearFolder(): Promise<CacheListing> {
  const listing = await listFolder()
  for (const { path } of listing.sets) await remove(path)
  return listing
}
