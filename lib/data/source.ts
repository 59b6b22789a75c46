/** Where pictures come from: `data` becomes an ordered list of things to decode. */
import { stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { ShinsakuError, throwIfAny, visible } from '../errors.ts'
import { pathToBytes } from '../files/path-bytes.ts'
import { withPatience } from '../files/shortage.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { isBuiltin, openBuiltin } from './builtin.ts'
import { walk } from './folder.ts'
import { unknownRights } from './licences.ts'
import { isArchive, namesOfShards, openShards } from './shards.ts'
import type { Source } from './source-type.ts'

export type { Source } from './source-type.ts'

/** The deepest folder that all of these absolute paths are in. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!)
  while (!paths.every((path) => path.startsWith(folder === '/' ? folder : `${folder}/`))) folder = dirname(folder)
  return folder
}

/** What stands where arguments of the command line had bytes that are not UTF-8. */
const REPLACED = '\ufffd'

const notFound = (message: string, cause?: unknown) =>
  new ShinsakuError('DATA_NOT_FOUND', message, {
    cause,
    hint: message.includes(REPLACED)
      ? 'The name holds bytes that are not UTF-8, which the command line loses: give the folder that it is in, or rename it.'
      : 'Give a folder of pictures, or a list of picture files.',
  })

const statOf = (path: string) => withPatience(path, () => stat(pathToBytes(path)))

/** Why there is nothing to read at a path; a shortage is thrown. */
function codeOf(error: NodeJS.ErrnoException): string | undefined {
  if (error instanceof ShinsakuError) throw error
  return error.code
}

/** Throws DATA_NOT_FOUND unless each is a file. */
async function requireFiles(paths: readonly string[]): Promise<void> {
  const problems: string[] = []
  for (const path of paths) {
    await statOf(path).then(
      (found) => found.isDirectory() && problems.push(`${visible(path)} is a folder, not a file`),
      (error) => problems.push(`${visible(path)}: ${codeOf(error)}`),
    )
  }
  if (problems.length > 0) {
    const more = problems.length > 10 ? `\n  and ${problems.length - 10} more` : ''
    throw notFound(`Not every file in data is there:\n  ${problems.slice(0, 10).join('\n  ')}${more}`)
  }
}

/** A list is of pictures, or of tar archives of them. */
async function openList(paths: readonly string[]): Promise<Source> {
  const archives = paths.filter(isArchive)
  if (archives.length > 0 && archives.length < paths.length)
    throwIfAny([
      {
        path: 'data',
        message: `expected tar archives only, or none, but got ${visible(archives[0]!)} beside ${visible(paths.find((path) => !isArchive(path))!)}`,
      },
    ])
  return archives.length > 0 ? openArchives(archives.flatMap(namesOfShards)) : openFiles(paths)
}

async function openArchives(paths: readonly string[]): Promise<Source> {
  await requireFiles(paths)
  const files = paths.map((path) => resolve(path))
  const root = commonFolder(files)
  const name = files.length === 1 ? basename(files[0]!) : `${files.length} archives`
  return { name, ...(await openShards(root, files)), root, rights: unknownRights }
}

async function openFiles(paths: readonly string[]): Promise<Source> {
  await requireFiles(paths)
  const files = paths.map((path) => resolve(path))
  const root = commonFolder(files)
  const items = files.map((file) => ({ path: relative(root, file), file }))
  const name = files.length === 1 ? basename(files[0]!) : `${files.length} files`
  return { name, items, skipped: [], ignored: {}, root, rights: unknownRights }
}

async function openFolder(folder: string, out: string | undefined): Promise<Source> {
  const found = await walk(folder, out)
  return { name: basename(resolve(folder)), ...found, root: folder, rights: unknownRights }
}

/**
 * Lists the pictures that `data` names, without what is in `out`. Rejects with DATA_NOT_FOUND, OPTION_INVALID,
 * ARCHIVE_INVALID or RESOURCE_SHORTAGE; of "builtin:fonts" with TOOL_MISSING, TYPEFACE_INVALID.
 */
export async function openSource(data: ResolvedTrainOptions['data'], out?: string): Promise<Source> {
  if (typeof data !== 'string') return openList(data)
  if (isBuiltin(data)) return openBuiltin(data)
  const found = await statOf(data).catch((cause) => {
    if (isArchive(data) && codeOf(cause) === 'ENOENT' && namesOfShards(data)[0] !== data) return null
    throw notFound(`The folder ${visible(data)} given as data cannot be read: ${codeOf(cause)}`, cause)
  })
  if (!found) return openArchives(namesOfShards(data))
  if (found.isDirectory()) return openFolder(data, out)
  return isArchive(data) ? openArchives([data]) : openFiles([data])
}
