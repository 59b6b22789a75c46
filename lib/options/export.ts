/** Options of `exportWeights()`. */
import { z } from 'zod'
import { row } from './option-spec.ts'
import { sampleSpecs } from './sample.ts'

export const exportSpecs = {
  weights: sampleSpecs.weights,
  network: row(z.enum(['generator', 'discriminator']), 'Which network of a DCGAN.', { default: 'generator' }),
} as const
