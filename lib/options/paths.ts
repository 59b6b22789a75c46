/** Paths mean what they meant when the call was made: a program may change its working folder later. */
import { resolve, sep } from 'node:path'
import { namesNoLabelFile } from './labels.ts'

/** The working folder, as it is now; undefined where it has been removed. */
export function workingFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** `path` in the folder `from`. A slash at its end, which says that it is a folder, stays. */
export function absolutePath(path: string, from = workingFolder()): string {
  // What is no path is for the caller's checks.
  if (typeof path !== 'string' || path === '' || from === undefined) return path
  const absolute = resolve(from, path)
  return path.endsWith(sep) && !absolute.endsWith(sep) ? absolute + sep : absolute
}

/** Options that are paths, or lists of them. */
const pathOptions = ['data', 'out', 'resume', 'statistics', 'labels', 'teacher'] as const

/** Values that name no file: of `data`, and of `labels`. */
const isWord = (path: string): boolean => path.startsWith('builtin:') || namesNoLabelFile(path)

function absoluteValue(value: unknown, from: string | undefined): unknown {
  if (Array.isArray(value)) return value.map((entry) => absoluteValue(entry, from))
  return typeof value === 'string' && !isWord(value) ? absolutePath(value, from) : value
}

/** The options with their paths in the folder `from`. What is wrong with others is for the option schemas to say. */
export function withAbsolutePaths<T extends object>(options: T, from: string | undefined): T {
  if (typeof options !== 'object' || options === null) return options
  const paths = pathOptions.filter((name) => Object.hasOwn(options, name))
  const values = options as Readonly<Record<string, unknown>>
  return { ...options, ...Object.fromEntries(paths.map((name) => [name, absoluteValue(values[name], from)])) }
}
