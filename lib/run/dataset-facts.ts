/** What a run's dataset.json says in a few lines, however many pictures it lists: counts, rights, what was left out. */
import type { JsonCursor } from '../files/json-cursor.ts'
import { MAX_DATASET_KEYS, readDatasetKeys } from './dataset-record.ts'

/** Pictures of one licence, author and source. */
export type RightsCount = { licence: string | null; author: string | null; source: string | null; count: number }

export type DatasetFacts = {
  /** The folder's own name, or what was listed. */
  data: string
  count: number
  heldOut: number
  digest: string
  /** Pixels a side, and their channels; null where it does not say. */
  size: number | null
  channels: number | null
  /** Pictures whose makers forbid training or data mining. */
  optOut: number
  /** Pictures that have a near-duplicate. */
  alike: number
  /** The most frequent first; `moreRights` pictures have others. */
  rights: RightsCount[]
  moreRights: number
  /** Files that are not used, by reason, and files of other kinds. */
  skipped: { reason: string; count: number }[]
  ignored: number
}

/** A hostile file has as many as it likes; a page shows fewer. */
const MAX_DISTINCT = 100

/** Counts of texts, of the first so many different ones; `rest` counts the others. */
class Tally {
  readonly #counts = new Map<string, number>()
  rest = 0

  add(text: string): void {
    if (this.#counts.has(text) || this.#counts.size < MAX_DISTINCT)
      this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1)
    else this.rest += 1
  }

  get sorted(): [string, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a)
  }
}

const textOrNull = (cursor: JsonCursor): string | null => (cursor.takeNull() ? null : cursor.path())

type Counted = { files: number; optOut: number; alike: number; rights: Tally }

function countFile(cursor: JsonCursor, counted: Counted): void {
  const rights: Record<'licence' | 'author' | 'source', string | null> = { licence: null, author: null, source: null }
  counted.files += 1
  cursor.object((key) => {
    if (key === 'licence' || key === 'author' || key === 'source') rights[key] = textOrNull(cursor)
    else if (key === 'optOut') counted.optOut += cursor.boolean() ? 1 : 0
    else if (key === 'group') {
      counted.alike += 1
      cursor.skip()
    } else cursor.skip()
  }, MAX_DATASET_KEYS)
  counted.rights.add(JSON.stringify(rights))
}

function readSettings(cursor: JsonCursor, facts: DatasetFacts): void {
  cursor.object((key) => {
    if (key === 'size' || key === 'channels') facts[key] = cursor.integer()
    else cursor.skip()
  }, MAX_DATASET_KEYS)
}

function readSkipped(cursor: JsonCursor): Tally {
  const reasons = new Tally()
  cursor.array(() =>
    cursor.object((key) => {
      if (key === 'reason') reasons.add(cursor.path())
      else cursor.skip()
    }, MAX_DATASET_KEYS),
  )
  return reasons
}

/** Reads a dataset.json. Throws RUN_INVALID. */
export async function readDatasetFacts(path: string): Promise<DatasetFacts> {
  const trained: Counted = { files: 0, optOut: 0, alike: 0, rights: new Tally() }
  const apart: Counted = { files: 0, optOut: 0, alike: 0, rights: new Tally() }
  let skipped = new Tally()
  const facts: DatasetFacts = {
    data: '',
    count: 0,
    heldOut: 0,
    digest: '',
    size: null,
    channels: null,
    optOut: 0,
    alike: 0,
    rights: [],
    moreRights: 0,
    skipped: [],
    ignored: 0,
  }
  await readDatasetKeys(path, (cursor, key) => {
    if (key === 'data' || key === 'digest') facts[key] = cursor.path()
    else if (key === 'settings') readSettings(cursor, facts)
    else if (key === 'files') cursor.array(() => countFile(cursor, trained))
    else if (key === 'heldOut') cursor.array(() => countFile(cursor, apart))
    else if (key === 'skipped') skipped = readSkipped(cursor)
    else if (key === 'ignored')
      cursor.object(() => {
        facts.ignored += cursor.integer()
      })
    else cursor.skip()
  })
  return {
    ...facts,
    count: trained.files,
    heldOut: apart.files,
    optOut: trained.optOut,
    alike: trained.alike,
    rights: trained.rights.sorted.map(([rights, count]) => ({ ...JSON.parse(rights), count })),
    moreRights: trained.rights.rest,
    skipped: [
      ...skipped.sorted.map(([reason, count]) => ({ reason, count })),
      ...(skipped.rest > 0 ? [{ reason: 'for other reasons', count: skipped.rest }] : []),
    ],
  }
}
