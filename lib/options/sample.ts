/** Options of `model.sample()` that every model has. Those of one kind only are in models/. */
import { z } from 'zod'
import { option, type Resolved } from './option-spec.ts'
import { count, seed } from './values.ts'

export const sampleSpecs = {
  count: option(count(1, 1_000_000), 'Pictures to sample; with seeds, as many as there are seeds.', {
    default: 1,
    short: 'n',
  }),
  seed: option(seed, 'Seed of the first picture; the next ones take seed + 1, seed + 2, ...', { default: 0 }),
  seeds: option(z.array(seed).min(1).nullable(), 'One seed for each picture, instead of seed and count.', {
    default: null,
  }),
  weights: option(
    z.enum(['auto', 'ema', 'raw']),
    'Averaged ("ema") or latest ("raw") weights. "auto" takes the averaged ones once a run is twice as long as what they average over.',
    { default: 'auto' },
  ),
  batch: option(
    count(1, 4096),
    'Pictures computed at once: more is faster and needs more memory. Another number may change the last bits of a picture.',
    { default: 1 },
  ),
} as const

export type SampleSpecs = typeof sampleSpecs

/** The same, complete. */
export type CommonSampleOptions = Resolved<SampleSpecs>
