/** Where labels come from: the folders that pictures are in, files beside them, or a table. */
import { extname } from 'node:path'
import { isLabelSet, type LabelSet } from '../../options/labels.ts'
import type { Source } from '../source.ts'
import { areBeside, readBeside } from './beside.ts'
import { type FoundLabels, labelsInvalid, noLabels, type RawLabels } from './raw.ts'
import { readTable } from './table.ts'

/** What the option may say: where labels are, or those of a run that goes on. */
export type WantedLabels = string | LabelSet

/** The attribute that tells folders apart. */
const CLASS = 'class'

/** The first folder of a path; undefined for a picture in none. */
const folderOf = (path: string): string | undefined => {
  const end = path.indexOf('/')
  return end < 0 ? undefined : path.slice(0, end)
}

const classOf = (path: string): RawLabels => {
  const folder = folderOf(path)
  return folder === undefined ? noLabels : new Map([[CLASS, folder]])
}

/** Of a picture in an archive it is the folder there that counts. */
function ofFolders(items: Source['items']): FoundLabels {
  const inside = new Map(
    items.flatMap((item) => ('file' in item && item.member ? [[item.path, item.member.name] as const] : [])),
  )
  return { of: (path) => classOf(inside.get(path) ?? path), warnings: [] }
}

/** Reads the labels of a source's pictures. Rejects with LABELS_INVALID, RESOURCE_SHORTAGE, ABORT_ERR. */
export async function readLabels(
  wanted: WantedLabels,
  { root, items }: Pick<Source, 'root' | 'items'>,
  signal: AbortSignal | undefined,
): Promise<FoundLabels> {
  const from = isLabelSet(wanted) ? wanted.from : wanted
  const isInFolders = items.some(({ path }) => folderOf(path) !== undefined)
  if (from === 'folders' && (root !== null || isInFolders)) return ofFolders(items)
  if (root === null)
    throw labelsInvalid(
      isInFolders
        ? 'Drawn letters have no labels beside them but their folders'
        : 'Drawn icons have no labels beside them',
      isInFolders ? 'Set labels to "folders".' : 'Give a folder of pictures as data, or leave labels out.',
    )
  if (areBeside(from)) return readBeside(from, { root, items }, signal)
  if (!['.csv', '.json'].includes(extname(from).toLowerCase()))
    throw labelsInvalid(
      `labels is ${JSON.stringify(from)}, which is neither "folders", "captions", "classes", "attributes" nor a file that ends in .csv or .json`,
      'Give "folders" for a class for each folder, "captions", "classes" or "attributes" for files beside the pictures, or a table.',
    )
  return readTable(
    from,
    items.map(({ path }) => path),
  )
}
