/** Options of `model.sample()` that every model has. Those of one kind only are in models/. */
import { z } from 'zod'
import { option, type Resolved } from './option-spec.ts'
import { count, seed } from './values.ts'

const attributeValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])

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
  label: option(
    z.string().min(1).max(200).nullable(),
    'What to sample, of a model with labels: a class, a word or an attribute; null for anything.',
    { default: null },
  ),
  attributes: option(
    z.union([z.record(z.string(), attributeValue), z.string().min(1)]).nullable(),
    'Several attributes and their values, such as { hair: "red", glasses: true }; on the command line hair=red,glasses=yes.',
    { default: null, placeholder: 'NAME=VALUE,...' },
  ),
  prompt: option(
    z.string().min(1).max(1000).nullable(),
    'The same in words, of those that the model knows; others are refused, with what it knows.',
    { default: null, placeholder: 'WORDS' },
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
