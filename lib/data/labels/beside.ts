/** Labels in a file beside each picture, of its name: tags or a sentence, a class, or attributes. */
import { extname, join } from 'node:path'
import { visible } from '../../errors.ts'
import { asCode, readText } from '../../files/read.ts'
import { withPatience } from '../../files/shortage.ts'
import { captionWords } from '../../options/words.ts'
import type { Filed } from '../outcome.ts'
import { forEachIndex } from '../pool.ts'
import type { Source } from '../source.ts'
import { type FoundLabels, labelsInvalid, noLabels, type RawLabels } from './raw.ts'
import { attributesOf } from './table.ts'

/** The attributes that hold a caption's words, and a class. */
const WORDS = 'words'
const CLASS = 'class'

const MAX_BYTES = 2 ** 16
const MAX_NAMED = 3

type Form = { extension: string; one: string; example: string; read: (text: string, file: string) => RawLabels }

/** What may lie beside a picture, by the words that the option has for it. */
const forms = {
  captions: {
    extension: 'txt',
    one: 'caption',
    example: 'a text file of its name: a.txt beside a.png',
    read: (text: string) => {
      const words = captionWords(text)
      return words.length === 0 ? noLabels : new Map([[WORDS, words]])
    },
  },
  classes: {
    extension: 'cls',
    one: 'class',
    example: 'a text file with its class: a.cls beside a.png',
    read: (text: string) => (text.trim() === '' ? noLabels : new Map([[CLASS, text.trim()]])),
  },
  attributes: {
    extension: 'json',
    one: 'file of attributes',
    example: 'a JSON file with an object of its attributes: a.json beside a.png',
    read: attributesOf,
  },
} as const satisfies Readonly<Record<string, Form>>

export type LabelsBeside = keyof typeof forms

export const areBeside = (from: string): from is LabelsBeside => Object.hasOwn(forms, from)

/** Extension of the files that labels are in; undefined where they are in none beside the pictures. */
export const extensionBeside = (from: string): string | undefined =>
  areBeside(from) ? forms[from].extension : undefined

const isMissing = (error: unknown): boolean =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'

/** The name of the text that belongs to a picture. */
const nameBeside = (path: string, extension: string): string =>
  `${path.slice(0, path.length - extname(path).length)}.${extension}`

/** The text of a file beside a picture, or of one beside it in its archive; null where there is none. */
async function textBeside(
  root: string,
  { path, file, member }: { path: string } & Filed,
  extension: string,
): Promise<string | null> {
  const part = member?.beside[extension]
  if (member && !part) return null
  const holder = member ? file : join(root, nameBeside(path, extension))
  return withPatience(holder, () => readText(holder, MAX_BYTES, part)).catch((error) => {
    if (!member && isMissing(error)) return null
    return asCode('LABELS_INVALID')(error)
  })
}

/** Reads what is beside each picture of a source. Rejects with LABELS_INVALID where one is missing or damaged, ABORT_ERR. */
export async function readBeside(
  from: LabelsBeside,
  { root, items }: { root: string } & Pick<Source, 'items'>,
  signal: AbortSignal | undefined,
): Promise<FoundLabels> {
  const { extension, one, example, read } = forms[from]
  const found = new Map<string, RawLabels>()
  const missing: string[] = []
  await forEachIndex(items.length, signal, async (index) => {
    const item = items[index]!
    const text = 'draw' in item ? null : await textBeside(root, item, extension)
    const name = nameBeside(item.path, extension)
    if (text === null) missing.push(name)
    else found.set(item.path, read(text, name))
  })
  missing.sort()
  if (missing.length > 0)
    throw labelsInvalid(
      `${missing.length} of ${items.length} pictures have no ${one}: ${missing.slice(0, MAX_NAMED).map(visible).join(', ')}${missing.length > MAX_NAMED ? ', ...' : ''} ${missing.length === 1 ? 'is' : 'are'} missing`,
      `Beside each picture belongs ${example}. An empty one says that nothing is known.`,
      { details: { missing: missing.slice(0, 100), count: missing.length } },
    )
  return { of: (path) => found.get(path) ?? noLabels, warnings: [] }
}
