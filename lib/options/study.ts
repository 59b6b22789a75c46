/** Options of `study()`, and the methods that it compares. */
import { z } from 'zod'
import { commonSpecs, loadSpecs } from './common.ts'
import { evaluateSpecs } from './evaluate.ts'
import { type Given, option, type Resolved } from './option-spec.ts'
import type { AnyTrainOptions } from './types.ts'
import { count, seed } from './values.ts'

type Method = {
  /** As the table names it. */
  readonly label: string
  /** What makes it this method; data, size, seed, flips and time are the study's. */
  readonly train: AnyTrainOptions
  /** Its row in table 2 of the source: 158 icons of 128 px, 1024 samples. Null where the source has none. */
  readonly published: { readonly fid: number; readonly nwi: number } | null
}

/** Ozaki's preprint of 2022 compares the first three; the hourglass is its other network; "few" is ours. */
export const studyMethods = {
  dcgan: { label: 'DCGAN', train: { recipe: 'dcgan-pytorch' }, published: { fid: 293, nwi: -202 } },
  stylegan2: { label: 'StyleGAN2-ADA', train: { model: 'stylegan2' }, published: { fid: 67.8, nwi: -35.5 } },
  diffusion: {
    label: 'Diffusion, U-Net (1,2,4,8)',
    train: { recipe: 'ozaki2022' },
    published: { fid: 14.3, nwi: 9.99 },
  },
  hourglass: {
    label: 'Diffusion, extreme hourglass (1,4,16)',
    train: { recipe: 'ozaki2022', dimMults: [1, 4, 16] },
    published: null,
  },
  few: { label: 'Diffusion for few pictures', train: { recipe: 'few' }, published: null },
} as const satisfies Record<string, Method>

export type StudyMethod = keyof typeof studyMethods
export const studyMethodNames = Object.keys(studyMethods) as [StudyMethod, ...StudyMethod[]]
export const studyMethod = (name: StudyMethod): Method => studyMethods[name]

export const studySpecs = {
  minutes: option(z.number().positive().max(100_000), 'Training time of each method, in minutes.', {
    default: 720,
    placeholder: 'N',
  }),
  methods: option(z.array(z.enum(studyMethodNames)).min(1), 'What is compared, in this order.', {
    default: [...studyMethodNames],
    placeholder: 'NAME,...',
  }),
  size: option(commonSpecs.size.schema, 'Side of the square pictures, in pixels.', { default: 128 }),
  seed: option(seed, 'Seed of every training run.', { default: 3407 }),
  count: option(count(2, 1_000_000), 'Pictures sampled from each model.', { default: 1024, short: 'n' }),
  out: option(z.string().min(1), 'Folder of the study; one that was interrupted goes on.', {
    default: 'study',
    short: 'o',
    placeholder: 'FOLDER',
  }),
  against: option(
    z.array(z.string().min(1)).min(1).nullable(),
    'Folders of other pictures, each of which is compared with the training pictures: table 1.',
    { default: null, placeholder: 'FOLDER,...' },
  ),
  extractor: evaluateSpecs.extractor,
  device: loadSpecs.device,
  threads: loadSpecs.threads,
} as const

export type StudyOptions = Given<typeof studySpecs>
export type ResolvedStudyOptions = Resolved<typeof studySpecs>
