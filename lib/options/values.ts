/** Value kinds that several options share: counts, durations, colours, seeds. */
import { z } from 'zod'

export const count = (min: number, max: number = Number.MAX_SAFE_INTEGER) => z.int().min(min).max(max)
export const rate = (min: number, max: number) => z.number().min(min).max(max)

/** A seed: an integer that PyTorch's generators take and a JSON number holds exactly. */
export const seed = count(0)

/** How many pictures, or from above 0 to below 1 what share of them. */
export const holdout = z
  .number()
  .min(0)
  .refine(
    (value) => value < 1 || Number.isSafeInteger(value),
    'expected a whole number of pictures, or a share below 1',
  )

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86400 } as const

/** Seconds, as a number or as text such as "90s", "20m", "1.5h", "2d". Options resolve it to seconds. */
export type Duration = number | `${number}` | `${number}${keyof typeof unitSeconds}`

const durationText = z
  .string()
  .regex(/^\d+(\.\d+)?[smhd]?$/, 'expected seconds or text such as "90s", "20m", "12h"') as unknown as z.ZodType<
  string,
  Exclude<Duration, number>
>

export const duration = z
  .union([z.number(), durationText])
  .transform((value) => {
    if (typeof value === 'number') return value
    const unit = value.at(-1) as keyof typeof unitSeconds
    return Number.parseFloat(value) * (unitSeconds[unit] ?? 1)
  })
  .pipe(z.number().positive('expected a time above 0'))

/** An opaque colour "#rgb" or "#rrggbb". */
export const colour = z.string().regex(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i, 'expected a colour such as "#ffffff"')
