/** The model that a run learns to sample like in fewer steps, as options and config.json hold it. */

/** Steps of the finest walk, which a teacher takes that was not distilled itself; native/core/models/diffusion/schedule.h knows its times. */
export const FINEST_STEPS = 64

/** The steps that a model can be distilled to; each stage takes half of those before it. */
export const distilledSteps = [16, 8, 4, 2] as const
export type DistilledSteps = (typeof distilledSteps)[number]

/** What a run says of its teacher. */
export type Teacher = {
  /** Its run, and the checkpoint that was taken: images, SHA-256 of the weights' file, and which of them. */
  run: string
  images: number
  digest: string
  weights: 'ema' | 'raw'
  /** Steps that it takes itself; null where it was not distilled. */
  steps: number | null
  dim: number
  objective: 'noise' | 'x0' | 'v'
}

/** Whether a value of the option `teacher` is what was found in a run, rather than where to find it. */
export const isTeacher = (value: unknown): value is Teacher =>
  typeof value === 'object' && value !== null && 'digest' in value

/** What the native part needs to know of it. */
export const teacherSpec = ({ steps, dim, objective }: Teacher) => ({
  teacherSteps: steps ?? FINEST_STEPS,
  teacherDim: dim,
  teacherObjective: objective,
})
