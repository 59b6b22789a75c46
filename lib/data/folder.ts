/** The walk through a folder of pictures: what is in it, in an order that no file system decides. */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShinsakuError, visible } from '../errors.ts'
import { CONFIG_FILE, isRunFolder } from '../files/own.ts'
import { pathFromBytes, pathToBytes } from '../files/path-bytes.ts'
import { isDenied, patience, withPatience } from '../files/shortage.ts'
import { LICENCES_FILE } from './licences.ts'
import type { Skipped } from './manifest.ts'

export type Found = {
  items: { path: string; file: string }[]
  skipped: Skipped[]
  /** How many files of other kinds were passed over, by extension. */
  ignored: Record<string, number>
}

/** Why a link is skipped that may not be followed. */
export const LINK_OUT = 'a link out of the folder'

/** Why a folder is skipped that shinsaku writes to. */
export const OWN_RUN = 'a run of shinsaku'
export const OUT_FOLDER = 'the folder that receives runs (out)'

/** Files of other names are not opened. What a file is, its content decides. */
const extensions = new Set('jpg jpeg jpe jfif png apng webp avif heic heif gif tif tiff'.split(' '))

/** Without the dot, in lower case; empty where there is none. */
export const extensionOf = (path: string): string => extname(path).slice(1).toLowerCase()

export const isPictureName = (path: string): boolean => extensions.has(extensionOf(path))

const byCodeUnits = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)

/** The entries of a folder, by their names' bytes. */
const entriesOf = (path: string): Promise<Dirent<Buffer>[]> =>
  withPatience(path, () => readdir(pathToBytes(path), { withFileTypes: true, encoding: 'buffer' }))

const realPath = async (path: string): Promise<string> =>
  pathFromBytes(await withPatience(path, () => realpath(pathToBytes(path), { encoding: 'buffer' })))

class Walk {
  readonly #items: Found['items'] = []
  readonly #skipped: Found['skipped'] = []
  // Not an object: an extension may be any word, also one that objects have already.
  readonly #ignored = new Map<string, number>()
  readonly #root: string
  readonly #out: string | undefined
  /** Folders that may not be read at the moment. */
  #closed: string[] = []

  constructor(root: string, out: string | undefined) {
    this.#root = root
    this.#out = out
  }

  #skip(path: string, reason: string): void {
    this.#skipped.push({ path, reason })
  }

  /** Sorted by the code units of its paths. */
  get found(): Found {
    return {
      items: this.#items.sort(byCodeUnits),
      skipped: this.#skipped.sort(byCodeUnits),
      ignored: Object.fromEntries(this.#ignored),
    }
  }

  async all(): Promise<void> {
    await this.#folder('')
    for (const wait of patience.permission) {
      if (this.#closed.length === 0) return
      await sleep(wait)
      for (const path of this.#closed.splice(0)) await this.#folder(path)
    }
    for (const path of this.#closed) this.#skip(path, 'the folder cannot be read: EACCES')
  }

  async #folder(path: string): Promise<void> {
    let entries: Dirent<Buffer>[]
    try {
      entries = await entriesOf(join(this.#root, path))
    } catch (error) {
      if (error instanceof ShinsakuError) throw error
      if (isDenied(error)) this.#closed.push(path)
      else this.#skip(path, `the folder cannot be read: ${(error as NodeJS.ErrnoException).code}`)
      return
    }
    if (entries.some(({ name }) => name.toString() === CONFIG_FILE) && (await isRunFolder(join(this.#root, path))))
      return this.#skip(path || '.', OWN_RUN)
    for (const entry of entries) {
      const name = pathFromBytes(entry.name)
      const inside = path === '' ? name : `${path}/${name}`
      if (name.startsWith('.') || inside === LICENCES_FILE) continue
      if (entry.isDirectory()) await this.#subfolder(inside)
      else if (entry.isSymbolicLink()) await this.#link(inside)
      else this.#file(inside, join(this.#root, inside), entry.isFile())
    }
  }

  async #subfolder(path: string): Promise<void> {
    if (join(this.#root, path) === this.#out) this.#skip(path, OUT_FOLDER)
    else await this.#folder(path)
  }

  /** Links to files of this folder are followed. Links to folders never are: they can lead out or around in circles. */
  async #link(path: string): Promise<void> {
    try {
      const file = await realPath(join(this.#root, path))
      const target = await withPatience(file, () => stat(pathToBytes(file)))
      if (target.isDirectory()) this.#skip(path, 'a link to a folder')
      else if (!file.startsWith(this.#root === '/' ? '/' : `${this.#root}/`)) this.#skip(path, LINK_OUT)
      else this.#file(path, file, target.isFile())
    } catch (error) {
      if (error instanceof ShinsakuError) throw error
      this.#skip(path, `a link to nothing: ${(error as NodeJS.ErrnoException).code}`)
    }
  }

  #file(path: string, file: string, regular: boolean): void {
    const extension = extensionOf(path)
    if (!isPictureName(path)) this.#ignored.set(extension, (this.#ignored.get(extension) ?? 0) + 1)
    else if (regular) this.#items.push({ path, file })
    else this.#skip(path, 'not a regular file')
  }
}

/**
 * Every picture file in `folder` and below, sorted by the code units of its path, and what was passed over: among it
 * the runs of shinsaku, and all that is in `out`.
 */
export async function walk(folder: string, out?: string): Promise<Found> {
  const root = await realPath(folder)
  // A folder that cannot be listed at all is the caller's mistake, not an unreadable part.
  await entriesOf(root).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof ShinsakuError) throw cause
    throw new ShinsakuError(
      'DATA_NOT_FOUND',
      `The folder ${visible(folder)} given as data cannot be listed: ${cause.code}`,
      { cause },
    )
  })
  const walk = new Walk(root, out === undefined ? undefined : await realPath(out).catch(() => undefined))
  await walk.all()
  return walk.found
}
