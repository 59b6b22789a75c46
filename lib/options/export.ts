/** Options of `exportWeights()`. */
import { z } from 'zod'
import { row } from './row.ts'
import { sampleRows } from './sample.ts'

export const exportRows = {
  weights: sampleRows.weights,
  network: row(z.enum(['generator', 'discriminator']), 'Which network of a DCGAN.', { default: 'generator' }),
} as const
