/** LICENSES.csv, the side-car file that says whose pictures these are and on what terms. */
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { readText } from '../files/read.ts'
import { isGlob, matchesGlob } from './glob.ts'

/** What is known of a picture's terms. */
export type Rights = { licence: string | null; author: string | null; source: string | null }

type Row = Rights & { pattern: string; optOut: boolean; line: number }

export const LICENCES_FILE = 'LICENSES.csv'
export const unknownRights: Rights = { licence: null, author: null, source: null }

/** Column names that may be written, and the field each one fills. */
const columns = {
  file: 'pattern',
  glob: 'pattern',
  licence: 'licence',
  license: 'licence',
  author: 'author',
  source: 'source',
  optout: 'optOut',
} as const
const truths: Readonly<Record<string, boolean>> = { '': false, no: false, false: false, yes: true, true: true }

function invalid(path: string, line: number, message: string, cause?: unknown): ShinsakuError {
  const hint = 'The first line is "file,licence,author,source"; a file may be a pattern such as faces/*.png.'
  return new ShinsakuError('LICENSES_INVALID', `${path}, line ${line}: ${message}`, { cause, hint, details: { line } })
}

function fieldsOf(path: string, header: readonly string[]): string[] {
  const fields = header.map((name) => {
    const field = columns[name.toLowerCase() as keyof typeof columns]
    if (!field) throw invalid(path, 1, `expected columns file, licence, author, source and optOut, but got "${name}"`)
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
  const optOut = truths[(value.optOut ?? '').toLowerCase()]
  if (optOut === undefined) throw invalid(path, line, `expected optOut to be yes or no, but got "${value.optOut}"`)
  return {
    pattern: value.pattern!,
    licence: value.licence!,
    author: value.author || null,
    source: value.source || null,
    optOut,
    line,
  }
}

/** The rows of a folder's LICENSES.csv; among those that fit a picture, the last one counts. */
export class Licences {
  readonly #exact = new Map<string, Row>()
  readonly #globs: Row[] = []
  readonly #used = new Set<Row>()

  constructor(rows: readonly Row[]) {
    for (const row of rows) {
      if (isGlob(row.pattern)) this.#globs.push(row)
      else this.#exact.set(row.pattern, row)
    }
  }

  /** The terms of one picture, by its path in the folder. */
  of(path: string): Row | undefined {
    const exact = this.#exact.get(path)
    const rows = this.#globs.filter(({ pattern }) => matchesGlob(path, pattern))
    if (exact) rows.push(exact)
    for (const row of rows) this.#used.add(row)
    return rows.length === 0 ? undefined : rows.reduce((a, b) => (a.line > b.line ? a : b))
  }

  /** Patterns that fitted no picture asked for. */
  unused(): string[] {
    return [...this.#exact.values(), ...this.#globs].filter((row) => !this.#used.has(row)).map((row) => row.pattern)
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readText(path)
  } catch (error) {
    const { cause, message } = error as ShinsakuError
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
    throw new ShinsakuError('LICENSES_INVALID', message, { cause, hint: 'It must be a text file in UTF-8.' })
  }
}

type Line = { info: { lines: number }; record: string[] }

async function parseLines(path: string, text: string): Promise<Line[]> {
  const { parse } = await import('csv-parse/sync')
  try {
    // The typings do not know that `info` wraps each record.
    return parse(text, { trim: true, skip_empty_lines: true, info: true }) as unknown as Line[]
  } catch (cause) {
    throw invalid(path, (cause as { lines?: number }).lines ?? 1, (cause as Error).message, cause)
  }
}

/** Reads LICENSES.csv in `folder`; null where there is none. Rejects with LICENSES_INVALID. */
export async function readLicences(folder: string): Promise<Licences | null> {
  const path = join(folder, LICENCES_FILE)
  const text = await readOptional(path)
  if (text === null) return null
  const [header, ...rest] = await parseLines(path, text)
  if (!header) throw invalid(path, 1, 'the file is empty')
  const fields = fieldsOf(path, header.record)
  return new Licences(rest.map(({ info, record }) => rowOf(path, info.lines, fields, record)))
}
