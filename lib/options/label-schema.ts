/** The form of a label set, as options and config.json hold it. */
import { z } from 'zod'
import { columnsOf, type LabelSet, MAX_LABEL_COLUMNS } from './labels.ts'

const name = z.string().min(1).max(200)
const values = z.array(name).min(1).max(MAX_LABEL_COLUMNS)
const pictures = z.int().min(0)
const counts = z.array(pictures).max(MAX_LABEL_COLUMNS)

const attribute = z.discriminatedUnion('kind', [
  z.strictObject({ name, kind: z.literal('class'), values, counts }),
  z.strictObject({ name, kind: z.literal('number'), min: z.number(), max: z.number(), count: pictures }),
  z.strictObject({ name, kind: z.literal('words'), values, counts }),
])

const hasDistinct = (list: readonly string[]) => new Set(list).size === list.length

/** The labels that a model knows. */
export const labelSetSchema: z.ZodType<LabelSet, LabelSet> = z
  .strictObject({ from: z.string().min(1), attributes: z.array(attribute).min(1).max(MAX_LABEL_COLUMNS) })
  .refine(
    ({ attributes }) =>
      hasDistinct(attributes.map((one) => one.name)) &&
      attributes.every((one) =>
        one.kind === 'number' ? one.min < one.max : one.counts.length === one.values.length && hasDistinct(one.values),
      ) &&
      columnsOf(attributes) <= MAX_LABEL_COLUMNS,
    'expected attributes of different names, with a count for each of different values, and min below max',
  )
