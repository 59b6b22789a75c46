/** Options of `distil()`. */
import { z } from 'zod'
import { commonSpecs, loadSpecs } from './common.ts'
import { type Given, option, type Resolved } from './option-spec.ts'
import { sampleSpecs } from './sample.ts'
import { distilledSteps } from './teacher.ts'
import { count, rate } from './values.ts'

const { out, checkpointTime, keepCheckpoints, guard, previews, seed } = commonSpecs

export const distilSpecs = {
  steps: option(
    z.literal(distilledSteps),
    'Denoising steps of the last stage: 16, 8, 4 or 2. The stages before it take twice as many each, from 16 on.',
    { default: 4, placeholder: 'N' },
  ),
  out,
  resume: option(z.boolean(), 'Go on with the stages of this run in out that are there already.', { default: false }),
  stageImages: option(
    count(1).nullable(),
    'Pictures that each stage learns from, the one of 2 steps from twice as many; null for a quarter of those that the run to be distilled has seen.',
    { default: null, placeholder: 'IMAGES' },
  ),
  at: loadSpecs.at,
  weights: sampleSpecs.weights,
  dim: option(
    count(8, 1024).nullable(),
    'Width of the student, to make it smaller as well; it then begins with weights of its own. Null for that of the run.',
    { default: null },
  ),
  batch: option(count(1, 65536).nullable(), 'Pictures in one forward pass; null for as many as the run had.', {
    default: null,
  }),
  lr: option(
    rate(0, 1).nullable(),
    'Learning rate at the start of each stage, which ends at 0; null for that of the run.',
    {
      default: null,
    },
  ),
  data: option(
    commonSpecs.data.schema.nullable(),
    'Where the pictures are now that the run learned from, which guard compares with; null for where they were. Distilling learns from none of them.',
    { default: null, placeholder: 'PATH' },
  ),
  seed,
  checkpointTime,
  keepCheckpoints,
  guard,
  previews,
  device: loadSpecs.device,
  threads: loadSpecs.threads,
} as const

export type DistilOptions = Given<typeof distilSpecs>
export type ResolvedDistilOptions = Resolved<typeof distilSpecs>
