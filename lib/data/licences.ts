/** LICENSES.csv, the side-car file that says whose pictures these are and on what terms. */
import { join } from 'node:path'
import { quoted, ShinsakuError } from '../errors.ts'
import { readText } from '../files/read.ts'
import { withPatience } from '../files/shortage.ts'
import { isGlob, matchesGlob } from './glob.ts'

/** What is known of a picture's terms. */
export type Rights = { licence: string | null; author: string | null; source: string | null }

type Row = Rights & { pattern: string; optOut: boolean; line: number }

export const LICENCES_FILE = 'LICENSES.csv'
export const unknownRights: Rights = { licence: null, author: null, source: null }

/** Column names that may be written, and the field each one fills. */
const columns: Readonly<Record<string, string>> = {
  file: 'pattern',
  glob: 'pattern',
  licence: 'licence',
  license: 'licence',
  author: 'author',
  source: 'source',
  optout: 'optOut',
}
const truths: Readonly<Record<string, boolean>> = { '': false, no: false, false: false, yes: true, true: true }

/** Each picture is compared with each pattern, so patterns are few; rows with names cost memory only. */
const MAX_GLOBS = 1000
const MAX_ROWS = 200_000
/** Names in a warning about the data. */
export const MAX_NAMED = 3
const MAX_BYTES = 2 ** 24
/** Characters of one line. */
const MAX_RECORD = 2 ** 16

function invalid(path: string, line: number, message: string, cause?: unknown): ShinsakuError {
  const hint = 'The first line is "file,licence,author,source"; a file may be a pattern such as faces/*.png.'
  return new ShinsakuError('LICENSES_INVALID', `${path}, line ${line}: ${message}`, { cause, hint, details: { line } })
}

/** A word from a file may be one that every object has, such as "constructor". */
const own = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined

function fieldsOf(path: string, header: readonly string[]): string[] {
  const fields = header.map((name) => {
    const field = own(columns, name.toLowerCase())
    if (!field)
      throw invalid(path, 1, `expected columns file, licence, author, source and optOut, but got ${quoted(name)}`)
    return field
  })
  for (const needed of ['pattern', 'licence']) {
    if (!fields.some((field) => field === needed))
      throw invalid(path, 1, `the column ${needed === 'pattern' ? 'file' : needed} is missing`)
  }
  if (new Set(fields).size < fields.length) throw invalid(path, 1, 'two columns mean the same')
  return fields
}

function rowOf(path: string, line: number, fields: readonly string[], values: readonly string[]): Row {
  const value = Object.fromEntries(fields.map((field, i) => [field, values[i]!]))
  for (const needed of ['pattern', 'licence']) {
    if (value[needed] === '') throw invalid(path, line, `the ${needed === 'pattern' ? 'file' : needed} is empty`)
  }
  const optOut = own(truths, (value.optOut ?? '').toLowerCase())
  if (optOut === undefined)
    throw invalid(path, line, `expected optOut to be yes or no, but got ${quoted(value.optOut!)}`)
  return {
    pattern: value.pattern!,
    licence: value.licence!,
    author: value.author || null,
    source: value.source || null,
    optOut,
    line,
  }
}

/** Entries that fit no picture: how many, and the first few of their patterns. */
export type Unused = { count: number; first: string[] }

/** The rows of a folder's LICENSES.csv for these pictures; among those that fit one, the last one counts. */
export class Licences {
  readonly #paths: ReadonlySet<string>
  // Rows of other pictures are counted only: the file may name far more than there are.
  readonly #exact = new Map<string, Row>()
  readonly #globs: Row[] = []
  readonly #used = new Set<Row>()
  readonly #strangers: Unused = { count: 0, first: [] }

  constructor(paths: Iterable<string>) {
    this.#paths = new Set(paths)
  }

  add(row: Row): void {
    if (isGlob(row.pattern)) this.#globs.push(row)
    else if (this.#paths.has(row.pattern)) this.#exact.set(row.pattern, row)
    else this.#stranger(row.pattern, this.#strangers)
  }

  #stranger(pattern: string, unused: Unused): void {
    unused.count += 1
    if (unused.first.length < MAX_NAMED) unused.first.push(pattern)
  }

  get globs(): number {
    return this.#globs.length
  }

  /** The terms of one picture, by its path in the folder. */
  of(path: string): Row | undefined {
    const exact = this.#exact.get(path)
    const rows = this.#globs.filter(({ pattern }) => matchesGlob(path, pattern))
    if (exact) rows.push(exact)
    for (const row of rows) this.#used.add(row)
    return rows.length === 0 ? undefined : rows.reduce((a, b) => (a.line > b.line ? a : b))
  }

  /** What fitted no picture asked for. */
  unused(): Unused {
    const unused = { count: this.#strangers.count, first: [...this.#strangers.first] }
    for (const rows of [this.#exact.values(), this.#globs])
      for (const row of rows) if (!this.#used.has(row)) this.#stranger(row.pattern, unused)
    return unused
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await withPatience(path, () => readText(path, MAX_BYTES))
  } catch (error) {
    const { code, cause, message } = error as ShinsakuError
    if (code === 'RESOURCE_SHORTAGE') throw error
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
    throw new ShinsakuError('LICENSES_INVALID', message, { cause, hint: 'It must be a text file in UTF-8.' })
  }
}

/** Turns each line into a row as it comes, so that no more than the rows that count is kept. */
async function parseRows(path: string, text: string, licences: Licences): Promise<void> {
  const { parse } = await import('csv-parse/sync')
  let fields: string[] | undefined
  let rows = 0
  const onRecord = (values: readonly string[], { lines }: { lines: number }): null => {
    if (!fields) {
      fields = fieldsOf(path, values)
      return null
    }
    licences.add(rowOf(path, lines, fields, values))
    rows += 1
    if (licences.globs > MAX_GLOBS)
      throw invalid(path, lines, `more than ${MAX_GLOBS} patterns; name files one by one instead`)
    if (rows > MAX_ROWS) throw invalid(path, lines, `more than ${MAX_ROWS} lines; use patterns instead`)
    return null
  }
  try {
    parse(text, { trim: true, skip_empty_lines: true, max_record_size: MAX_RECORD, on_record: onRecord })
  } catch (cause) {
    if (cause instanceof ShinsakuError) throw cause
    throw invalid(path, (cause as { lines?: number }).lines ?? 1, (cause as Error).message, cause)
  }
  if (!fields) throw invalid(path, 1, 'the file is empty')
}

/** Reads LICENSES.csv in `folder` for the pictures at `paths`; null where there is none. Rejects with LICENSES_INVALID. */
export async function readLicences(folder: string, paths: Iterable<string>): Promise<Licences | null> {
  const path = join(folder, LICENCES_FILE)
  const text = await readOptional(path)
  if (text === null) return null
  const licences = new Licences(paths)
  await parseRows(path, text, licences)
  return licences
}
