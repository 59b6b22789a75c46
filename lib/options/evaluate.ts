/** Options of `evaluate()` and `compare()`. */
import { z } from 'zod'
import { commonSpecs, loadSpecs } from './common.ts'
import { option, type Resolved } from './option-spec.ts'
import { count, seed } from './values.ts'

/** Networks whose features metrics are made of. */
export const extractorNames = ['inception', 'efficientnet-lite0'] as const

const extractor = option(
  z.enum(['auto', ...extractorNames, 'none']),
  'Network for FID and its relatives: "inception" is pytorch-fid\'s, "none" measures pixels only, "auto" takes the first of inception and efficientnet-lite0 that shinsaku setup --metrics has stored.',
  { default: 'auto' },
)

const statistics = option(
  z.string().min(1).nullable(),
  'File of pytorch-fid (.npz) with the statistics that FID is measured against, such as published ones; they have to be of the same extractor. null for those of the pictures.',
  { default: null, placeholder: 'FILE' },
)

export const evaluateSpecs = {
  count: option(count(2, 1_000_000), 'Pictures to sample and to measure.', { default: 1024, short: 'n' }),
  seed: option(seed, 'Seed of the first picture, and of every random choice of the metrics.', { default: 0 }),
  batch: option(count(1, 4096), 'Pictures sampled at once; another number may change the last bits of a picture.', {
    default: 16,
  }),
  perLabel: option(
    count(0, 10_000),
    'Of a model with labels, pictures to sample of each of its 8 most frequent ones, to look for copies among them; 0 for none.',
    { default: 24 },
  ),
  data: option(
    commonSpecs.data.schema.nullable(),
    'Pictures to measure against; null for those that the run was trained on.',
    { default: null, placeholder: 'PATH' },
  ),
  at: loadSpecs.at,
  extractor,
  statistics,
  device: loadSpecs.device,
  threads: loadSpecs.threads,
} as const

export const compareSpecs = {
  size: option(
    count(8, 1024).nullable(),
    'Side that the pictures of both folders are brought to, in pixels; null for the shorter side that is usual in them, at most 299.',
    { default: null, placeholder: 'N' },
  ),
  background: commonSpecs.background,
  fit: commonSpecs.fit,
  crop: commonSpecs.crop,
  seed: option(seed, 'Seed of every random choice of the metrics.', { default: 0 }),
  extractor,
  statistics,
  device: loadSpecs.device,
  threads: loadSpecs.threads,
} as const

export type ResolvedEvaluateOptions = Resolved<typeof evaluateSpecs>
export type ResolvedCompareOptions = Resolved<typeof compareSpecs>
export type ExtractorChoice = ResolvedEvaluateOptions['extractor']
export type ExtractorName = (typeof extractorNames)[number]
