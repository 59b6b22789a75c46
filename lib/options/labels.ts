/** What a model can be told of pictures: attributes by name, and the row of numbers that a network is given for each. */

/** A row has no more numbers than this. */
export const MAX_LABEL_COLUMNS = 4096

/** One attribute; counts are of the pictures that are trained on. */
export type LabelAttribute =
  /** One of some values, such as a colour. */
  | { name: string; kind: 'class'; values: string[]; counts: number[] }
  /** A degree from min to max; yes and no are 1 and 0. */
  | { name: string; kind: 'number'; min: number; max: number; count: number }
  /** Any of some words; one that is not said is not there. */
  | { name: string; kind: 'words'; values: string[]; counts: number[] }

/** What the option may say in place of a file: the folders of the pictures, or what lies beside each. */
const places = ['folders', 'captions', 'classes', 'attributes']

export const namesNoLabelFile = (from: string): boolean => places.includes(from)

/** The labels that a model knows: where they are from (a word for a place, or a file), and each attribute. */
export type LabelSet = { from: string; attributes: LabelAttribute[] }

/** What is known of one picture: a value of a class, a degree, or words. What is unknown is absent. */
export type PictureLabels = { readonly [attribute: string]: string | number | readonly string[] }

const columnsOfOne = (one: LabelAttribute): number => (one.kind === 'number' ? 1 : one.values.length)

export const columnsOf = (attributes: readonly LabelAttribute[]): number =>
  attributes.reduce((sum, one) => sum + columnsOfOne(one), 0)

/** Whether a value of the option `labels` is what was learned from data, rather than where to learn it. */
export const isLabelSet = (value: unknown): value is LabelSet =>
  typeof value === 'object' && value !== null && 'attributes' in value

/** Yes or no rather than a degree. */
export const isSwitch = (one: LabelAttribute): boolean => one.kind === 'number' && one.min === 0 && one.max === 1

/** The attribute that each column belongs to, by its index; a row goes on with one number for each attribute: 1, unknown. */
export const labelGroups = ({ attributes }: LabelSet): number[] =>
  attributes.flatMap((one, index) => Array.from({ length: columnsOfOne(one) }, () => index))

/** How many numbers a row has. */
export const labelWidth = ({ attributes }: LabelSet): number => columnsOf(attributes) + attributes.length

/** Rows of pictures that have all or none of what `groups` are the columns of, in turn; to measure with. */
export function anyLabels(groups: readonly number[], pictures: number): Float32Array {
  const width = groups.length + groups.at(-1)! + 1
  return Float32Array.from({ length: pictures * width }, (_, i) =>
    i % width < groups.length === (Math.floor(i / width) % 2 === 0) ? 1 : 0,
  )
}

const numbersOf = (one: LabelAttribute, value: PictureLabels[string]): number[] => {
  if (one.kind === 'number') return [((value as number) - one.min) / (one.max - one.min)]
  const said = new Set(typeof value === 'string' ? [value] : (value as readonly string[]))
  return one.values.map((word) => (said.has(word) ? 1 : 0))
}

/** Writes a picture's row: 1 for its class and its words, degrees from 0 to 1, then for each attribute whether it is unknown. */
export function encodeLabels(set: LabelSet, labels: PictureLabels): number[] {
  const known = set.attributes.map((one) => (Object.hasOwn(labels, one.name) ? labels[one.name] : undefined))
  const columns = set.attributes.flatMap((one, index) => {
    const value = known[index]
    return value === undefined ? new Array<number>(columnsOfOne(one)).fill(0) : numbersOf(one, value)
  })
  return [...columns, ...known.map((value) => (value === undefined ? 1 : 0))]
}

/** Rows of pictures, one after the other. */
export function encodeAll(set: LabelSet, pictures: readonly { labels?: PictureLabels }[]): Float32Array {
  const width = labelWidth(set)
  const rows = new Float32Array(pictures.length * width)
  for (const [index, { labels }] of pictures.entries()) rows.set(encodeLabels(set, labels ?? {}), index * width)
  return rows
}
