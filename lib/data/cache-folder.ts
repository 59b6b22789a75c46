/** The folder of decoded pictures as a whole: what is in it, how much it may hold, and clearing it. */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { disk, remove } from '../files/write.ts'
import { cacheLimit, userCacheFolder } from '../system/cache.ts'
import { SCAN_EXTENSION } from './known-files.ts'
import { EXTENSION, ROWS_EXTENSION, readOutcomes } from './pixel-cache.ts'

/** Of features of pictures, which measuring keeps here too, so that one limit holds for all. */
export const FEATURES_EXTENSION = '.features'

/** What a start that was interrupted has decoded, or was writing; rows whose set is not there are left of one. */
const unfinished = (name: string): boolean =>
  name.endsWith('.partial') || name.startsWith('.tmp-') || name.endsWith(ROWS_EXTENSION)

const isKept = (name: string): boolean =>
  [EXTENSION, FEATURES_EXTENSION, SCAN_EXTENSION].some((end) => name.endsWith(end)) || unfinished(name)

/** The name of the set that a file of rows belongs to; undefined for any other file. */
function setOfRows(name: string): string | undefined {
  const [, stem] = /^([^.].*)\.\d{3,}\.rows$/.exec(name) ?? []
  return stem === undefined ? undefined : `${stem}${EXTENSION}`
}

/** Removes a set: what says what it holds first, so that no part of it is taken for all. */
export async function removeSet(path: string): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder).catch((): string[] => [])
  await remove(path)
  for (const name of names) if (setOfRows(name) === basename(path)) await remove(join(folder, name))
}
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
  const names = await readdir(folder).catch((): string[] => [])
  const sets = new Set(names)
  const kept: Kept[] = []
  const add = async (name: string, rowFiles: string[]) => {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (!info?.isFile()) return
    let bytes = info.size
    for (const file of rowFiles) bytes += (await stat(file).catch(() => undefined))?.size ?? 0
    kept.push({ name, path, bytes, lastUsed: info.mtime })
  }
  const rowFilesOf = (name: string) =>
    names.filter((other) => setOfRows(other) === name).map((other) => join(folder, other))
  for (const name of names) {
    const set = setOfRows(name)
    if (set !== undefined ? sets.has(set) : !isKept(name)) continue
    await add(name, name.endsWith(EXTENSION) ? rowFilesOf(name) : [])
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
    await removeSet(other).then(
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
  const outcomes = !name.endsWith(EXTENSION) || unfinished(name) ? null : await readOutcomes(path)
  const shape = size === undefined ? null : `${size}x${size}x${channels}`
  return { path, pictures: outcomes?.count ?? null, shape, bytes, lastUsed }
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
  for (const { path } of listing.sets) await removeSet(path)
  return listing
}
