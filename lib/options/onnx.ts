/** Options of `exportOnnx()`. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { models } from '../models/table.ts'
import { type Given, option, type Resolved } from './option-spec.ts'
import { resolveOnly } from './resolve.ts'
import { sampleSpecs } from './sample.ts'
import { count } from './values.ts'

const { sampler, eta } = models.diffusion.sampleSpecs

export const onnxSpecs = {
  weights: sampleSpecs.weights,
  precision: option(
    z.enum(['fp32', 'fp16']),
    'How weights are stored: "fp16" halves the file and moves some pixels by 1 of 255; it is computed in fp32 all the same.',
    { default: 'fp32' },
  ),
  sampler: option(
    sampler.schema.nullable(),
    'Sampler of a diffusion model, which comes with the file; null for the one that sample() takes.',
    { default: null },
  ),
  steps: option(
    z.array(count(1, 10000)).min(1).max(16).nullable(),
    'Denoising steps that can be chosen from, the usual one first; null for that of sample(), then 8, 12 and 50.',
    { default: null, placeholder: 'N,...' },
  ),
  eta: option(eta.schema, eta.help, { default: 0 }),
} as const

export type OnnxOptions = Given<typeof onnxSpecs>
export type ResolvedOnnxOptions = Resolved<typeof onnxSpecs>

/** Complete options of `exportOnnx()`. Throws OPTION_INVALID with every problem in it and in `problems`. */
export const resolveOnnx = (given: OnnxOptions, problems: Problem[] = []): ResolvedOnnxOptions =>
  resolveOnly(onnxSpecs, given, problems)
