/** Where sampled pictures are to go, checked before anything is computed: a grid, a folder of files, or both. */
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, extname, join, resolve, sep } from 'node:path'
import { fileError, ShinsakuError, throwIfAny } from '../errors.ts'
import { makeNewFolder, remove } from '../files/write.ts'

/** Extensions of pictures: a path that ends so is no folder, unless it is written with a slash at its end. */
const pictureExtensions =
  '.png .webp .jpg .jpeg .jpe .jfif .gif .avif .tif .tiff .bmp .heic .heif .jxl .jp2 .ico .svg .ppm'.split(' ')

const isPictureName = (path: string): boolean =>
  !path.endsWith(sep) && pictureExtensions.includes(extname(path).toLowerCase())

/** Throws OPTION_INVALID for what is no path of a folder; `option` names it there. */
export function requireFolderName(folder: unknown, option = 'folder'): asserts folder is string {
  if (typeof folder !== 'string' || folder === '')
    throwIfAny([{ path: option, message: `expected the path of a folder, but got ${JSON.stringify(folder)}` }])
  if (isPictureName(folder as string))
    throwIfAny([
      {
        path: option,
        message: `expected the path of a folder, or of a .png or .webp file for a grid, but got ${JSON.stringify(folder)}`,
      },
    ])
}

const unusable = (path: string, why: string, hint: string) =>
  new ShinsakuError('FILE_FAILED', `Could not write ${path}: ${why}`, { hint })

const MISSING = ['ENOENT', 'ENOTDIR']

/** Whether a folder is there. Throws FILE_FAILED where something else is. */
async function isThere(folder: string, target: string): Promise<boolean> {
  const found = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
    if (MISSING.includes(cause.code ?? '')) return undefined
    throw fileError('write', target, cause)
  })
  if (found && !found.isDirectory()) throw unusable(target, `${folder} is a file`, 'Give a folder.')
  return found !== undefined
}

/** Makes and removes something there: permissions do not say everything, such as what root may or a mount allows. */
async function requireWritable(folder: string, target: string): Promise<void> {
  try {
    const made = join(folder, `.check-${randomUUID()}`)
    await makeNewFolder(made)
    await remove(made)
  } catch (error) {
    throw fileError('write', target, (error as Error).cause)
  }
}

async function requireFolder(folder: string): Promise<void> {
  let nearest = resolve(folder)
  while (!(await isThere(nearest, folder)) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  await requireWritable(nearest, folder)
}

async function requireGrid(grid: string, folder: string | undefined): Promise<void> {
  const found = await stat(grid).catch(() => undefined)
  if (found?.isDirectory())
    throw unusable(grid, 'it is a folder', 'Give the name of a .png or .webp file that is not there, or of a file.')
  const parent = dirname(resolve(grid))
  if (await isThere(parent, grid)) return requireWritable(parent, grid)
  const isMade = folder !== undefined && `${resolve(folder)}${sep}`.startsWith(`${parent}${sep}`)
  if (!isMade) throw unusable(grid, `there is no folder ${dirname(grid)}`, 'Make it first, or give another path.')
}

/** Rejects with FILE_FAILED or DISK_FULL where pictures could not be written. Folders that are to be made need not be there. */
export async function requireTargets({
  grid,
  folder,
}: {
  grid?: string | undefined
  folder?: string | undefined
}): Promise<void> {
  if (folder !== undefined) await requireFolder(folder)
  if (grid !== undefined) await requireGrid(grid, folder)
}
