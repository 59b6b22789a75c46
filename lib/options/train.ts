/** Options of `train()` that every model has. Those of one kind only are in models/. */
import { z } from 'zod'
import { type ModelName, models } from '../models/table.ts'
import { type RecipeName, recipes } from './recipes.ts'
import { row } from './option-spec.ts'
import { colour, count, duration, rate, seed } from './values.ts'

const recipeNames = Object.keys(recipes) as [RecipeName, ...RecipeName[]]
const modelNames = Object.keys(models) as [ModelName, ...ModelName[]]

export const trainSpecs = {
  data: row(
    z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    'Folder of pictures, a list of files, or "builtin:icons[:COUNT[:SEED]]" for face icons drawn on the spot.',
    { default: 'builtin:icons', placeholder: 'PATH' },
  ),
  out: row(z.string().min(1), 'Folder that receives the numbered run folders.', {
    default: 'runs',
    short: 'o',
    placeholder: 'FOLDER',
  }),
  resume: row(
    z.union([z.boolean(), z.string().min(1)]),
    'Go on with the newest run of this kind in out, or with the run named.',
    { default: false, placeholder: 'RUN' },
  ),
  allow: row(
    z.array(z.string().min(1)).min(1).nullable(),
    'Options that may differ from those a resumed run was started with, with "data" for the pictures; null for none.',
    { default: null, placeholder: 'NAME,...' },
  ),
  recipe: row(
    z.enum(recipeNames).nullable(),
    'Set every option to what a published source says; options given outright win over it.',
    { default: null, placeholder: 'NAME' },
  ),
  model: row(z.enum(modelNames), 'Kind of model.', { default: 'diffusion' }),
  size: row(count(8, 1024), 'Side of the square pictures, in pixels.'),
  channels: row(
    z.union([z.literal(1), z.literal(3), z.literal(4)]),
    'Channels: 1 grey, 3 colour, 4 colour with transparency.',
    { default: 3 },
  ),
  seed: row(seed, 'Seed of weights, order, flips and noise.', { default: 3407 }),
  batch: row(count(1, 65536), 'Pictures in one forward pass.'),
  accumulate: row(count(1, 4096), 'Forward passes whose gradients are added for one update.'),
  lr: row(rate(0, 1), 'Learning rate of Adam.'),
  lrSchedule: row(z.enum(['constant', 'linear', 'cosine']), 'Course of the learning rate from warm-up to maxImages.', {
    default: 'constant',
  }),
  warmup: row(count(0), 'Images over which the learning rate rises from 0.', { default: 0, placeholder: 'IMAGES' }),
  clip: row(z.number().positive().nullable(), 'Largest norm of the gradients; null for no limit.'),
  betas: row(z.tuple([rate(0, 0.999999), rate(0, 0.999999)]), "Adam's decay rates."),
  emaDecay: row(rate(0, 0.999999).nullable(), 'Decay of the averaged weights; null for no average.'),
  emaEvery: row(count(1), 'Updates between two averagings.'),
  precision: row(
    z.enum(['auto', 'fp32', 'tf32', 'bf16']),
    'Arithmetic of the training step. "auto" is tf32 on CUDA and fp32 on the CPU.',
    { default: 'auto' },
  ),
  exact: row(
    z.boolean(),
    'Use only operations that give the bits of the PyTorch reference, and on a GPU only deterministic convolutions. Slower on the CPU.',
    { default: false },
  ),
  deterministic: row(
    z.boolean(),
    'On a GPU use only deterministic algorithms: the same seed gives the same bytes again on the same GPU. Slower.',
    { default: false },
  ),
  device: row(z.enum(['auto', 'cpu', 'cuda']), 'Where to compute. "auto" takes a GPU if there is one.', {
    default: 'auto',
  }),
  threads: row(count(0, 1024), 'CPU threads; 0 takes all that the process, or its container, may use.', { default: 0 }),
  flip: row(z.boolean(), 'Mirror half of the pictures at random.', { default: true }),
  lanes: row(
    count(1, 256),
    'DataLoader workers whose random streams are reproduced; it changes which pictures are mirrored.',
    { default: 1 },
  ),
  background: row(colour, 'Colour behind transparent pictures when channels is 1 or 3.', { default: '#ffffff' }),
  fit: row(
    z.enum(['cover', 'contain', 'stretch']),
    'How a picture that is not square is fitted: cut, padded with background, or stretched.',
    { default: 'cover' },
  ),
  crop: row(z.enum(['centre', 'top', 'entropy', 'attention']), 'Which part is kept when fit is "cover".', {
    default: 'centre',
  }),
  broken: row(z.enum(['skip', 'fail']), 'What to do about a picture that cannot be decoded.', { default: 'skip' }),
  duplicates: row(z.enum(['keep', 'drop']), 'What to do about files with equal bytes.', { default: 'keep' }),
  maxPixels: row(count(64, 2 ** 30), 'Largest picture that is decoded, in pixels; larger ones count as broken.', {
    default: 4096 * 4096,
  }),
  maxImages: row(count(1), 'Stop after this many images were seen.', { placeholder: 'IMAGES' }),
  maxTime: row(duration.nullable(), 'Stop after this time, such as 20m or 12h; null for no limit.', {
    default: null,
    placeholder: 'TIME',
  }),
  snapshotImages: row(count(1), 'Images between two checkpoints with previews.', { placeholder: 'IMAGES' }),
  snapshotTime: row(duration, 'Longest time between two checkpoints.', { default: '10m', placeholder: 'TIME' }),
  keep: row(count(1, 100000), 'Checkpoints to keep; older ones are deleted.', { default: 3 }),
  rollback: row(
    count(0, 1000),
    'How often in a row a run goes back to its last checkpoint after a loss or a weight that is no number.',
    { default: 3, placeholder: 'TIMES' },
  ),
  logImages: row(count(1), 'Images between two lines of metrics.jsonl.', { default: 200, placeholder: 'IMAGES' }),
  previews: row(count(0, 1024), 'Pictures on each preview sheet; 0 for no previews.', { default: 16 }),
  previewSteps: row(count(1, 10000), 'Denoising steps of a preview.', { default: 20 }),
} as const

/** Options of `load()`. */
export const loadSpecs = {
  device: trainSpecs.device,
  threads: trainSpecs.threads,
  exact: row(
    z.boolean(),
    'Draw with operations that give the bits of the PyTorch reference, as a run trained with exact always does.',
    { default: false },
  ),
} as const
