/** Labels from a table: a CSV file with a column for each attribute, or JSON with an object for each picture. */
import { extname } from 'node:path'
import { z } from 'zod'
import { quoted, type ShinsakuError, visible } from '../../errors.ts'
import { asCode, parseJson, readText } from '../../files/read.ts'
import { withPatience } from '../../files/shortage.ts'
import { type FoundLabels, labelsInvalid, noLabels, type RawLabels, type RawValue } from './raw.ts'

const MAX_BYTES = 2 ** 26
/** Characters of one line. */
const MAX_RECORD = 2 ** 16
const MAX_NAMED = 3

const FORM =
  'A CSV file begins with "file,hair,glasses" and has a line for each picture, such as "a.png,red,yes"; in JSON the same is { "a.png": { "hair": "red", "glasses": true } }. What is left empty is unknown.'

/** Column names that may stand for the picture. */
const files = new Set(['file', 'path', 'image', 'filename', 'file_name'])

const CLASS = 'class'

type Row = { path: string; labels: RawLabels; where: string }

async function rowsOfCsv(file: string, text: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync')
  const invalid = (line: number, message: string, cause?: unknown) =>
    labelsInvalid(`${visible(file)}, line ${line}: ${message}`, FORM, { cause, details: { line } })
  const rows: Row[] = []
  let names: readonly string[] | undefined
  let column = -1
  const onRecord = (values: readonly string[], { lines }: { lines: number }): null => {
    if (names === undefined) {
      names = values
      column = values.findIndex((name) => files.has(name.toLowerCase()))
      if (column < 0) throw invalid(lines, `the column file is missing: it has ${quoted(values.join(','))}`)
      if (values.length < 2) throw invalid(lines, 'there is no column beside file')
      if (values.some((name) => name === '') || new Set(values).size < values.length)
        throw invalid(lines, 'a column has no name, or two have the same')
      return null
    }
    const said = names.flatMap((name, i): [string, RawValue][] =>
      i === column || values[i] === '' ? [] : [[name, values[i]!]],
    )
    rows.push({ path: values[column]!, labels: new Map(said), where: `line ${lines}` })
    return null
  }
  try {
    parse(text, { bom: true, trim: true, skip_empty_lines: true, max_record_size: MAX_RECORD, on_record: onRecord })
  } catch (cause) {
    if ((cause as ShinsakuError).code === 'LABELS_INVALID') throw cause
    throw invalid((cause as { lines?: number }).lines ?? 1, (cause as Error).message, cause)
  }
  if (names === undefined) throw invalid(1, 'the file is empty')
  return rows
}

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()])
const entry = z.union([value, z.record(z.string(), value)])
const json = z.union([z.record(z.string(), entry), z.array(z.record(z.string(), value))])

type Entry = z.output<typeof entry>

/** One value alone is the class, and a list alone are words. */
function entriesOf(given: Entry): [string, z.output<typeof value>][] {
  if (Array.isArray(given)) return [['words', given]]
  return typeof given === 'object' && given !== null ? Object.entries(given) : [[CLASS, given]]
}

const record = z.record(z.string(), z.unknown())

/** The attributes of one picture, in a JSON file of its own: what is no value, such as a list of numbers, is left out. */
export function attributesOf(text: string, file: string): RawLabels {
  if (text.trim() === '') return noLabels
  const parsed = parseJson(text, visible(file), record, 'LABELS_INVALID')
  return labelsOf(
    Object.fromEntries(Object.entries(parsed).filter(([, given]) => value.safeParse(given).success)) as Entry,
  )
}

const labelsOf = (given: Entry): RawLabels =>
  new Map(
    entriesOf(given).flatMap(([name, said]): [string, RawValue][] =>
      said === null || said === '' ? [] : [[name, said]],
    ),
  )

function rowsOfJson(file: string, text: string): Row[] {
  const parsed = parseJson(text, visible(file), json, 'LABELS_INVALID')
  if (!Array.isArray(parsed))
    return Object.entries(parsed).map(([path, given]) => ({ path, labels: labelsOf(given), where: quoted(path) }))
  return parsed.map((given, index) => {
    const key = Object.keys(given).find((name) => files.has(name.toLowerCase()))
    const path = key === undefined ? undefined : given[key]
    if (typeof path !== 'string')
      throw labelsInvalid(`${visible(file)}, entry ${index}: "file" is missing`, FORM, { details: { entry: index } })
    const { [key!]: _, ...rest } = given
    return { path, labels: labelsOf(rest), where: `entry ${index}` }
  })
}

/**
 * Reads a table for the pictures at `paths`, which it names as the folder has them. Rejects with LABELS_INVALID where
 * it is missing, damaged, names a picture twice, or names none.
 */
export async function readTable(file: string, paths: readonly string[]): Promise<FoundLabels> {
  const text = await withPatience(file, () => readText(file, MAX_BYTES)).catch(asCode('LABELS_INVALID'))
  const rows = extname(file).toLowerCase() === '.json' ? rowsOfJson(file, text) : await rowsOfCsv(file, text)
  const known = new Set(paths)
  const found = new Map<string, RawLabels>()
  const strangers: string[] = []
  for (const { path, labels, where } of rows) {
    if (found.has(path))
      throw labelsInvalid(`${visible(file)}, ${where}: ${quoted(path)} is there twice`, 'Give each picture once.')
    if (known.has(path)) found.set(path, labels)
    else strangers.push(path)
  }
  if (found.size === 0)
    throw labelsInvalid(
      `${visible(file)} names none of the ${paths.length} pictures: it names ${strangers.slice(0, MAX_NAMED).map(quoted).join(', ') || 'nothing'}, they are ${paths.slice(0, MAX_NAMED).map(quoted).join(', ')}`,
      'Name each picture by its path in the folder that is given as data, such as cats/a.png.',
    )
  const warnings =
    strangers.length === 0
      ? []
      : [
          `The labels name ${strangers.length} pictures that are not there: ${strangers.slice(0, MAX_NAMED).map(visible).join(', ')}${strangers.length > MAX_NAMED ? ' and more' : ''}.`,
        ]
  return { of: (path) => found.get(path) ?? noLabels, warnings }
}
