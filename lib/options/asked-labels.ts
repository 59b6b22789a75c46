/** Labels as a call to `sample()` asks for them: found among those that the model knows, or what is wrong with them. */
import { type Problem, quoted } from '../errors.ts'
import { isSwitch, type LabelAttribute, type LabelSet, type PictureLabels } from './labels.ts'
import { nearest } from './nearest.ts'
import { captionWords, plainLabel, wordsOf } from './words.ts'

/** What a call may say of a picture's labels. */
export type AskedLabels = {
  readonly label?: string | null | undefined
  /** By name, or as the command line has them: "hair=red,glasses=yes". */
  readonly attributes?:
    | Readonly<Record<string, string | number | boolean | readonly string[]>>
    | string
    | null
    | undefined
  readonly prompt?: string | null | undefined
}

/** So many names are listed where one is unknown. */
const MAX_LISTED = 12

const listed = (names: readonly string[]): string =>
  names.length > MAX_LISTED
    ? `${names.slice(0, MAX_LISTED).join(', ')} and ${names.length - MAX_LISTED} more`
    : names.join(', ')

/** What is said of a name that is not among those known. */
function unknown(what: string, given: string, known: readonly string[]): string {
  const near = nearest(given, known)
  return `${quoted(given)} is no ${what} that the model knows${near === undefined ? '.' : `; did you mean ${quoted(near)}?`} It knows: ${listed(known)}`
}

/** Something that can be asked for by one word: a class, a word, or a yes of an attribute. */
type Name = { word: string; attribute: LabelAttribute; value: string | 1 }

const namesIn = (attribute: LabelAttribute): Name[] => {
  if (attribute.kind !== 'number') return attribute.values.map((value) => ({ word: value, attribute, value }))
  return isSwitch(attribute) ? [{ word: attribute.name, attribute, value: 1 }] : []
}

class Finder {
  readonly #set: LabelSet
  readonly #names: readonly Name[]
  readonly #problems: Problem[]
  readonly found: Record<string, string | number | string[]> = {}

  constructor(set: LabelSet, problems: Problem[]) {
    this.#set = set
    this.#names = set.attributes.flatMap(namesIn)
    this.#problems = problems
  }

  #problem(path: string, message: string): void {
    this.#problems.push({ path, message })
  }

  #add(path: string, { name, kind }: LabelAttribute, value: string | number): void {
    const before = this.found[name]
    if (kind === 'words') this.found[name] = [...((before ?? []) as string[]), value as string]
    else if (before !== undefined && before !== value)
      this.#problem(path, `asks for ${name} ${quoted(String(before))} and ${quoted(String(value))} at once`)
    else this.found[name] = value
  }

  /** The one that is meant among several of that name: said with its attribute, as in "red hair". */
  #meant(path: string, names: readonly Name[], said: string): Name | undefined {
    const words = wordsOf(said)
    const near = names.filter(({ word, attribute }) => {
      const at = words.indexOf(word)
      return words[at + 1] === plainLabel(attribute.name) || words[at - 1] === plainLabel(attribute.name)
    })
    const [first, ...others] = near.length > 0 ? near : names
    if (first === undefined || others.length === 0) return first
    const which = [first, ...others].map(({ attribute, word }) => `{ ${quoted(attribute.name)}: ${quoted(word)} }`)
    this.#problem(
      path,
      `${quoted(first.word)} is a value of several attributes; say which: attributes ${which.join(' or ')}`,
    )
    return undefined
  }

  label(text: string): void {
    const wanted = plainLabel(text)
    const names = this.#names.filter(({ word }) => plainLabel(word) === wanted)
    if (names.length === 0) {
      const known = this.#names.map(({ word }) => word)
      this.#problem('label', unknown('label', text, known))
      return
    }
    const name = this.#meant('label', names, text)
    if (name) this.#add('label', name.attribute, name.value)
  }

  attribute(name: string, value: unknown): void {
    const path = `attributes.${name}`
    const attribute = this.#set.attributes.find((one) => plainLabel(one.name) === plainLabel(name))
    if (!attribute) {
      const known = this.#set.attributes.map((one) => one.name)
      this.#problem(path, unknown('attribute', name, known))
    } else if (attribute.kind === 'number') this.#degree(path, attribute, value)
    else if (Array.isArray(value) && attribute.kind === 'words')
      for (const word of value) this.#value(path, attribute, String(word))
    else this.#value(path, attribute, String(value))
  }

  #degree(path: string, attribute: LabelAttribute & { kind: 'number' }, given: unknown): void {
    const yesOrNo: Readonly<Record<string, number>> = { true: 1, yes: 1, false: 0, no: 0 }
    const text = String(given)
    const value = isSwitch(attribute) && Object.hasOwn(yesOrNo, text) ? yesOrNo[text]! : Number(text)
    if (text.trim() === '' || !(value >= attribute.min && value <= attribute.max))
      this.#problem(
        path,
        `must be ${isSwitch(attribute) ? 'true, false or ' : ''}a number from ${attribute.min} to ${attribute.max}, as in the data, but is ${quoted(text)}`,
      )
    else this.#add(path, attribute, value)
  }

  #value(path: string, attribute: LabelAttribute & { values: string[] }, given: string): void {
    const value = attribute.values.find((one) => plainLabel(one) === plainLabel(given))
    if (value === undefined) this.#problem(path, unknown(`value of ${attribute.name}`, given, attribute.values))
    else this.#add(path, attribute, value)
  }

  /** Longer names first, so that "dark red" is not taken for "red". */
  prompt(text: string): void {
    const tags = captionWords(text)
    const isOne = (word: string) => this.#names.some((name) => plainLabel(name.word) === word)
    // A tag that is known as a whole is not cut into words.
    let rest = ` ${tags.map((tag) => (isOne(tag) ? tag : wordsOf(tag).join(' '))).join(' ')} `
    const words = [...new Set(this.#names.map(({ word }) => plainLabel(word)))].sort((a, b) => b.length - a.length)
    for (const word of words) {
      if (!rest.includes(` ${word} `)) continue
      rest = rest.replaceAll(` ${word} `, '  ')
      const meant = this.#meant(
        'prompt',
        this.#names.filter((name) => plainLabel(name.word) === word),
        text,
      )
      if (meant) this.#add('prompt', meant.attribute, meant.value)
    }
    const attributes = new Set(this.#set.attributes.flatMap((one) => wordsOf(one.name)))
    for (const word of rest.split(' ').filter((one) => one !== '' && !attributes.has(one)))
      this.#problem('prompt', unknown('word', word, words))
    if (rest.trim() === '' && Object.keys(this.found).length === 0)
      this.#problem('prompt', `${quoted(text)} says nothing that the model knows. It knows: ${listed(words)}`)
  }
}

/** "hair=red,glasses=yes", as the command line has it. */
function parseAttributes(text: string, problems: Problem[]): [string, string][] {
  return text.split(',').flatMap((part): [string, string][] => {
    const [name, value] = part.split('=')
    if (name?.trim() && value?.trim()) return [[name.trim(), value.trim()]]
    problems.push({ path: 'attributes', message: `expected NAME=VALUE,..., but got ${quoted(text)}` })
    return []
  })
}

/** Whether a call asks for any. */
export const asksForLabels = ({ label, attributes, prompt }: AskedLabels): boolean =>
  [label, attributes, prompt].some((given) => given !== null && given !== undefined)

/**
 * What is asked for, as a picture's labels; what is not said is unknown. Adds to `problems` what the model does not
 * know, with what it does.
 */
export function findAsked(set: LabelSet, asked: AskedLabels, problems: Problem[]): PictureLabels {
  const finder = new Finder(set, problems)
  const { label, attributes, prompt } = asked
  if (label != null) finder.label(label)
  if (prompt != null) finder.prompt(prompt)
  const entries =
    typeof attributes === 'string' ? parseAttributes(attributes, problems) : Object.entries(attributes ?? {})
  for (const [name, value] of entries) finder.attribute(name, value)
  return finder.found
}
