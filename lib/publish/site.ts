/** The folder of a site: written beside its place, and put there whole. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError, ShinsakuError } from '../errors.ts'
import { type Chunks, makeFolderDurable, move, remove, syncFolder, writeNew } from '../files/write.ts'

/** Says that a folder is a site of ours, which may be replaced. */
export const siteFile = 'shinsaku-site.json'

export type SiteFile = { readonly path: string; readonly chunks: () => Chunks | Promise<Chunks> }

async function entriesOf(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return ['']
    throw fileError('read', folder, cause)
  }
}

/** Whether something is there that will be replaced. Throws FILE_EXISTS where that is no site of ours. */
export async function requireOwn(folder: string): Promise<boolean> {
  const entries = await entriesOf(folder)
  if (entries === undefined) return false
  if (entries.length === 0 || entries.includes(siteFile)) return true
  throw new ShinsakuError('FILE_EXISTS', `${folder} is there already, and is no site that publish() wrote`, {
    hint: 'Give another folder, or remove that one.',
  })
}

/** Writes all files; until the last is on the disk, `folder` is as it was. Throws FILE_EXISTS, DISK_FULL, FILE_FAILED. */
export async function writeSite(folder: string, files: readonly SiteFile[]): Promise<void> {
  const parent = dirname(folder)
  await requireOwn(folder)
  await makeFolderDurable(parent)
  const [fresh, old] = ['new', 'old'].map((word) =>
    join(parent, `.tmp-${process.pid}-${word}-${basename(folder)}`),
  ) as [string, string]
  try {
    // What a call that failed has left.
    for (const left of [fresh, old]) await remove(left)
    for (const { path, chunks } of files) {
      const target = join(fresh, path)
      await makeFolderDurable(dirname(target))
      await writeNew(target, await chunks())
    }
    const folders = new Set(files.map(({ path }) => dirname(join(fresh, path))))
    for (const each of folders) await syncFolder(each)
    const replaced = await requireOwn(folder)
    if (replaced) await move(folder, old)
    try {
      await move(fresh, folder)
    } catch (error) {
      if (replaced) await move(old, folder)
      throw error
    }
    await syncFolder(parent)
    await remove(old)
  } catch (error) {
    await remove(fresh).catch(() => {})
    throw error
  }
}
