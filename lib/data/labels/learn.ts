/** From what was written beside the pictures to the labels that a model knows: kinds, values, counts. */

import { quoted } from '../../errors.ts'
import { type LabelAttribute, type LabelSet, MAX_LABEL_COLUMNS } from '../../options/labels.ts'
import { labelsInvalid, type RawLabels, type RawValue } from './raw.ts'

/** A word that only one picture has would name that picture, and its sample be a copy. */
const LEAST_PICTURES_OF_WORD = 2
/** Classes that any set may have; more must have two pictures each, or they are names. */
const MAX_CLASSES_OF_FEW = 8
/** The most frequent words are taken. */
const MAX_WORDS = 1000

const MAX_NAMED = 3

/** Columns whose numbers are names. */
const names = new Set(['class', 'label', 'category'])

const truths: Readonly<Record<string, number>> = { true: 1, yes: 1, false: 0, no: 0 }

/** Yes, no or a number; undefined for text. */
export function degreeOf(value: RawValue): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const plain = value.trim().toLowerCase()
  if (Object.hasOwn(truths, plain)) return truths[plain]
  const number = plain === '' ? Number.NaN : Number(plain)
  return Number.isFinite(number) ? number : undefined
}

/** How often each value is there; the most frequent first, equals by name. */
function tally(values: Iterable<string>): [string, number][] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

const byName = (entries: [string, number][]) => entries.sort(([a], [b]) => (a < b ? -1 : 1))

/** What became of one column, and why it is left out where it is. */
type Learned = { attribute: LabelAttribute | undefined; warnings: string[] }

function learnWords(name: string, values: readonly RawValue[]): Learned {
  const all = tally(values.flatMap((value) => (Array.isArray(value) ? [...new Set(value)] : [String(value)])))
  const telling = all.filter(([, count]) => count >= LEAST_PICTURES_OF_WORD && count < values.length)
  const kept = byName(telling.slice(0, MAX_WORDS))
  const once = all.filter(([, count]) => count < LEAST_PICTURES_OF_WORD)
  const warnings = [
    ...(once.length > 0
      ? [
          `${once.length} words of ${name} are left out, because one picture alone has each: ${once
            .slice(0, 3)
            .map(([word]) => word)
            .join(', ')}${once.length > 3 ? ' and more' : ''}.`,
        ]
      : []),
    ...(telling.length > MAX_WORDS
      ? [`Of ${telling.length} words of ${name} the ${MAX_WORDS} most frequent are used.`]
      : []),
  ]
  if (kept.length === 0) return { attribute: undefined, warnings }
  const attribute = { name, kind: 'words' as const, values: kept.map(([word]) => word), counts: kept.map(([, n]) => n) }
  return { attribute, warnings }
}

function learnClass(name: string, values: readonly RawValue[]): Learned {
  const entries = byName(tally(values.map(String)))
  if (entries.length < 2) return { attribute: undefined, warnings: [] }
  const attribute = {
    name,
    kind: 'class' as const,
    values: entries.map(([value]) => value),
    counts: entries.map(([, count]) => count),
  }
  return { attribute, warnings: [] }
}

function learnOne(name: string, values: readonly RawValue[]): Learned {
  if (values.some(Array.isArray)) return learnWords(name, values)
  const degrees = names.has(name.toLowerCase()) ? [] : values.map(degreeOf).filter((degree) => degree !== undefined)
  if (degrees.length === 0 || degrees.length < values.length) return learnClass(name, values)
  const written = degrees.reduce(
    ({ min, max }, degree) => ({ min: Math.min(min, degree), max: Math.max(max, degree) }),
    { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY },
  )
  if (written.min === written.max) return { attribute: undefined, warnings: [] }
  return { attribute: { name, kind: 'number', ...written, count: degrees.length }, warnings: [] }
}

function columnsOfAll(found: readonly RawLabels[]): Map<string, RawValue[]> {
  const columns = new Map<string, RawValue[]>()
  for (const [name, value] of found.flatMap((labels) => [...labels])) {
    const values = columns.get(name)
    if (values) values.push(value)
    else columns.set(name, [value])
  }
  return columns
}

/** The labels of the pictures to train on. Throws LABELS_INVALID where nothing tells them apart, or where there are too many. */
export function learnLabels(from: string, found: readonly RawLabels[]): { set: LabelSet; warnings: string[] } {
  const columns = columnsOfAll(found)
  const learned = [...columns].map(([name, values]) => ({ name, ...learnOne(name, values) }))
  const attributes = learned.flatMap(({ attribute }) => attribute ?? [])
  const same = learned.filter(({ attribute }) => attribute === undefined).map(({ name }) => name)
  if (attributes.length === 0)
    throw labelsInvalid(
      columns.size === 0
        ? 'No picture that is trained on has a label'
        : `The labels tell no pictures apart: of ${[...columns.keys()].slice(0, 3).join(', ')} all have the same, or none that another has`,
      'Two values at least must occur, and a word in two pictures at least but not in all of them.',
      { details: { attributes: [...columns.keys()].slice(0, 100) } },
    )
  const width = attributes.reduce((sum, one) => sum + (one.kind === 'number' ? 1 : one.values.length), 0)
  const most = Math.max(MAX_CLASSES_OF_FEW, found.length / 2)
  if (width > MAX_LABEL_COLUMNS || attributes.some((one) => one.kind === 'class' && one.values.length > most))
    throw labelsInvalid(
      `There are ${width} values of labels for ${found.length} pictures, which is too many: each would name a picture or two`,
      `A class needs tens of pictures to mean something. Leave out columns such as names and dates; ${MAX_LABEL_COLUMNS} values at most.`,
    )
  return {
    set: { from, attributes },
    warnings: [
      ...learned.flatMap(({ warnings }) => warnings),
      ...(same.length > 0 ? [`All pictures have the same ${same.join(', ')}, which is not used.`] : []),
    ],
  }
}

/**
 * One attribute alone, whose every value is a class: numbers, yes and no are names too. `wanted` says which, where there
 * are several. Throws LABELS_INVALID where there is none such, and for pictures without it, which nobody can say the class of.
 */
export function learnClasses(
  from: string,
  found: readonly { path: string; labels: RawLabels }[],
  wanted: string | null,
): { set: LabelSet; warnings: string[] } {
  const columns = columnsOfAll(found.map(({ labels }) => labels))
  const names = [...columns.keys()]
  const known = names.slice(0, MAX_NAMED).map(quoted).join(', ')
  if (wanted === null && names.length > 1)
    throw labelsInvalid(
      `The labels have ${names.length} attributes (${known}${names.length > MAX_NAMED ? ', ...' : ''}), but a classifier learns one`,
      'Say which one with attribute.',
      { details: { attributes: names.slice(0, 100) } },
    )
  const name = wanted ?? names[0]
  const values = name === undefined ? undefined : columns.get(name)
  if (name === undefined || values === undefined)
    throw labelsInvalid(
      names.length === 0
        ? 'No picture that is trained on has a label'
        : `The labels have no attribute ${quoted(name!)}: they have ${known}`,
      'Put the pictures of each class into a folder of its own, or name a column of the table with attribute.',
      { details: { attributes: names.slice(0, 100) } },
    )
  const bare = found.filter(({ labels }) => !labels.has(name))
  if (bare.length > 0)
    throw labelsInvalid(
      `${bare.length} of ${found.length} pictures have no ${quoted(name)}: ${bare
        .slice(0, MAX_NAMED)
        .map(({ path }) => quoted(path))
        .join(', ')}${bare.length > MAX_NAMED ? ', ...' : ''}`,
      'Say of each picture what class it is of, or leave it out.',
      { details: { missing: bare.slice(0, 100).map(({ path }) => path), count: bare.length } },
    )
  const { attribute } = values.some(Array.isArray) ? { attribute: undefined } : learnClass(name, values)
  if (attribute === undefined)
    throw labelsInvalid(
      values.some(Array.isArray)
        ? `${quoted(name)} holds words, several of a picture, but a classifier learns one class of each`
        : `All pictures that are trained on have the same ${quoted(name)}`,
      'Two classes at least must occur, one for each picture.',
    )
  return { set: { from, attributes: [attribute] }, warnings: [] }
}
