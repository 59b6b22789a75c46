/** Reads back what a run needs of its dataset.json, which is long. */
import { isUtf8 } from 'node:buffer'
import { ShinsakuError } from '../errors.ts'
import { Budget, cost } from '../files/budget.ts'
import { JsonCursor } from '../files/json-cursor.ts'
import { asCode, readWhole } from '../files/read.ts'

/** What distinguishes the pictures of one run from those of another; `heldOutDigest` is null where none are held out, `labelsDigest` where none are labelled. */
export type DatasetRecord = { digest: string; count: number; heldOutDigest: string | null; labelsDigest: string | null }

/** A data set of a million pictures has less. */
const MAX_DATASET_BYTES = 2 ** 30
export const MAX_DATASET_KEYS = 100

export type DatasetFile = { path: string; sha256: string }

/** Goes over a dataset.json, which is long; `onKey` reads what it wants of it. Throws RUN_INVALID. */
export async function readDatasetKeys(
  path: string,
  onKey: (cursor: JsonCursor, key: string, budget: Budget) => void,
): Promise<(problem: string) => never> {
  const bytes = await readWhole(path, MAX_DATASET_BYTES).catch(asCode('RUN_INVALID'))
  const refuse = (problem: string): never => {
    throw new ShinsakuError('RUN_INVALID', `${path} does not have the expected form: ${problem}`)
  }
  if (!isUtf8(bytes)) refuse('it is not UTF-8')
  const budget = new Budget(bytes.length, refuse)
  const cursor = new JsonCursor(bytes, refuse, budget)
  cursor.object((key) => onKey(cursor, key, budget), MAX_DATASET_KEYS)
  cursor.end()
  return refuse
}

/** Reads what a resumed run needs of a dataset.json. Throws RUN_INVALID. */
export async function readDatasetRecord(path: string): Promise<DatasetRecord> {
  let digest: string | undefined
  let count: number | undefined
  let heldOutDigest: string | null = null
  let labelsDigest: string | null = null
  const refuse = await readDatasetKeys(path, (cursor, key) => {
    if (key === 'digest') digest = cursor.string()
    else if (key === 'count') count = cursor.integer()
    else if (key === 'heldOutDigest') heldOutDigest = cursor.string()
    else if (key === 'labelsDigest') labelsDigest = cursor.string()
    else cursor.skip()
  })
  if (digest === undefined || count === undefined || count < 1) return refuse('it needs digest and count')
  return { digest, count, heldOutDigest, labelsDigest }
}

function readDatasetFile(cursor: JsonCursor): DatasetFile {
  let path: string | undefined
  let sha256: string | undefined
  cursor.object((key) => {
    if (key === 'path') path = cursor.path()
    else if (key === 'sha256') sha256 = cursor.string()
    else cursor.skip()
  }, MAX_DATASET_KEYS)
  if (path === undefined || sha256 === undefined) return cursor.fail('a file of it needs path and sha256')
  return { path, sha256 }
}

/** The files of a data set: those trained on, and those held out. */
export type DatasetFiles = { files: DatasetFile[]; heldOut: DatasetFile[] }

/** Reads the files that a dataset.json lists. Throws RUN_INVALID. */
export async function readDatasetFiles(path: string): Promise<DatasetFiles> {
  const lists: { files?: DatasetFile[]; heldOut?: DatasetFile[] } = {}
  const refuse = await readDatasetKeys(path, (cursor, key, budget) => {
    if (key !== 'files' && key !== 'heldOut') return cursor.skip()
    const list: DatasetFile[] = []
    cursor.array(() => {
      budget.spend(cost.object)
      list.push(readDatasetFile(cursor))
    })
    lists[key] = list
  })
  const { files, heldOut = [] } = lists
  return files ? { files, heldOut } : refuse('it needs files')
}

/** Pictures of one licence, author and source. */
export type DatasetRights = { licence: string | null; author: string | null; source: string | null; count: number }

/** Different rights of one data set that are told apart; what is beyond them counts as `others`. */
const MAX_RIGHTS = 1000

/** What a dataset.json says of its training pictures: its name, their number, and whose they are, the most frequent first. */
export type DatasetSummary = { name: string; count: number; rights: DatasetRights[]; others: number }

/** Throws RUN_INVALID. */
export async function readDatasetSummary(path: string): Promise<DatasetSummary> {
  let name: string | undefined
  let others = 0
  const rights = new Map<string, DatasetRights>()
  let count = 0
  const refuse = await readDatasetKeys(path, (cursor, key) => {
    if (key === 'data') name = cursor.string()
    else if (key !== 'files') cursor.skip()
    else
      cursor.array(() => {
        const of = { licence: null, author: null, source: null } as Omit<DatasetRights, 'count'>
        cursor.object((field) => {
          if (field in of) of[field as keyof typeof of] = cursor.takeNull() ? null : cursor.string()
          else cursor.skip()
        }, MAX_DATASET_KEYS)
        count += 1
        const id = JSON.stringify(of)
        const known = rights.get(id)
        if (known) known.count += 1
        else if (rights.size < MAX_RIGHTS) rights.set(id, { ...of, count: 1 })
        else others += 1
      })
  })
  if (name === undefined || count === 0) return refuse('it needs data and files')
  return { name, count, rights: [...rights.values()].sort((a, b) => b.count - a.count), others }
}
