/** Options of `exportWeights()`. */
import { z } from 'zod'
import { option } from './option-spec.ts'
import { sampleSpecs } from './sample.ts'

export const exportSpecs = {
  weights: sampleSpecs.weights,
  network: option(z.enum(['generator', 'discriminator']), 'Which network of a GAN.', { default: 'generator' }),
} as const
