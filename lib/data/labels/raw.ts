/** Labels as they are found beside the pictures, before it is known what they mean together. */
import { ShinsakuError } from '../../errors.ts'

/** A value as it was written. */
export type RawValue = string | number | boolean | readonly string[]

/** What was said of a picture, by attribute; nothing where nothing was. */
export type RawLabels = ReadonlyMap<string, RawValue>

/** Labels of the pictures of a source, by path. */
export type FoundLabels = {
  of(path: string): RawLabels
  /** One line for each thing to know. */
  warnings: readonly string[]
}

export const noLabels: RawLabels = new Map()

export const labelsInvalid = (
  message: string,
  hint: string,
  rest: { cause?: unknown; details?: Record<string, unknown> } = {},
): ShinsakuError => new ShinsakuError('LABELS_INVALID', message, { hint, ...rest })
