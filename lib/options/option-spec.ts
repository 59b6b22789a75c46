/** The kind in which an option is declared once; types, defaults, flags, help and docs are derived from it. */
import type { z } from 'zod'

/** One option; null means "none" where its schema takes it. `default` is absent where each variant has its own (see models/). */
export type OptionSpec<S extends z.ZodType = z.ZodType> = {
  readonly schema: S
  readonly help: string
  readonly default?: z.input<S>
  /** Short flag on the command line, such as `n`. */
  readonly short?: string
  /** What stands for the value in help, such as `SECONDS`. */
  readonly placeholder?: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** Declares an option; exists so that `default` is checked against `schema`. */
export function option<S extends z.ZodType>(
  schema: S,
  help: string,
  rest: Omit<OptionSpec<S>, 'schema' | 'help'> = {},
): OptionSpec<S> {
  return { schema, help, ...rest }
}

/** What a caller may pass. */
export type Given<T extends OptionSpecs> = { [K in keyof T]?: z.input<T[K]['schema']> | undefined }

/** The value of one option as the rest of the program sees it. */
export type Output<S extends OptionSpec> = z.output<S['schema']>

/** What the rest of the program sees. */
export type Resolved<T extends OptionSpecs> = { readonly [K in keyof T]: z.output<T[K]['schema']> }

/** `maxImages` → `max-images`. */
export const toFlag = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** `max-images` → `maxImages`. */
export const fromFlag = (flag: string): string => flag.replace(/-([a-z0-9])/g, (_, c: string) => c.toUpperCase())
