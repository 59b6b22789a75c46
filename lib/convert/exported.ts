/** What an exported file says of its model, so that it can be sampled without the run: written into and read from its metadata. */
import { basename } from 'node:path'
import { isLabelSet } from '../options/labels.ts'
import { translateStored } from '../options/renamed.ts'
import { unsupported } from './import/state.ts'

/** The key of the metadata that holds it. */
export const exportedKey = 'shinsaku'

const FORMAT_VERSION = 1

export type Exported = {
  /** Images the network had seen. */
  readonly images: number
  /** Complete options of the run, without those that say where it was. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Where a run was and on what it ran is nobody else's business. */
const places = ['data', 'out', 'resume', 'allowChanges', 'device', 'threads']

export function describeExported(options: Readonly<Record<string, unknown>>, images: number): string {
  const kept = Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => !places.includes(name))
      .map(([name, value]) => [name, isLabelSet(value) ? { ...value, from: basename(value.from) } : value]),
  )
  return JSON.stringify({ format: FORMAT_VERSION, images, options: kept })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a file's metadata say; undefined where they are not from here. Throws IMPORT_UNSUPPORTED where they are damaged. */
export function readExported(path: string, metadata: Readonly<Record<string, string>>): Exported | undefined {
  const text = Object.hasOwn(metadata, exportedKey) ? metadata[exportedKey]! : undefined
  if (text === undefined) return undefined
  const said = parse(text)
  if (isObject(said) && typeof said.format === 'number' && said.format > FORMAT_VERSION)
    throw unsupported(path, `was exported by a newer version of shinsaku: its options have format ${said.format}`)
  const { format, images, options } = isObject(said) ? said : {}
  if (format !== FORMAT_VERSION || !Number.isSafeInteger(images) || (images as number) < 0 || !isObject(options))
    throw unsupported(path, `has damaged options in its metadata (${exportedKey})`)
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !places.includes(name)))
  return { images: images as number, options: translateStored(own) }
}
