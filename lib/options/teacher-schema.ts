/** The form of a teacher, as options and config.json hold it. */
import { z } from 'zod'
import type { Teacher } from './teacher.ts'

export const teacherSchema: z.ZodType<Teacher, Teacher> = z.strictObject({
  run: z.string().min(1),
  images: z.int().min(0),
  digest: z.string().min(1),
  weights: z.enum(['ema', 'raw']),
  steps: z.int().min(1).nullable(),
  dim: z.int().min(1),
  objective: z.enum(['noise', 'x0', 'v']),
})
