/** Options of `train()` that every kind of model has. Those of one kind are in models/, `model` and `recipe` in train.ts. */
import { z } from 'zod'
import { labelSetSchema } from './label-schema.ts'
import { option, type Resolved } from './option-spec.ts'
import { colour, count, duration, holdout, rate, seed } from './values.ts'

export const commonSpecs = {
  data: option(
    z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    'Folder of pictures, a list of files, tar archives such as "shards/{000..123}.tar", "builtin:icons[:COUNT[:SEED]]" for the built-in face icons, or "builtin:fonts[:FACE,FACE[:COUNT[:SEED]]]" for letters in installed typefaces (docs/fonts.md).',
    { default: 'builtin:icons', placeholder: 'PATH' },
  ),
  out: option(z.string().min(1), 'Folder that receives the numbered run folders.', {
    default: 'runs',
    short: 'o',
    placeholder: 'FOLDER',
  }),
  resume: option(
    z.union([z.boolean(), z.string().min(1)]),
    'Resume the newest run of this kind in out, or the run that is named.',
    { default: false, placeholder: 'RUN' },
  ),
  allowChanges: option(
    z.array(z.string().min(1)).min(1).nullable(),
    'Options that may differ from those the resumed run was started with, or "data" for its pictures; null for none.',
    { default: null, placeholder: 'NAME,...' },
  ),
  size: option(count(8, 1024), 'Side of the square pictures, in pixels.'),
  channels: option(
    z.union([z.literal(1), z.literal(3), z.literal(4)]),
    'Channels: 1 grey, 3 colour, 4 colour with transparency.',
    { default: 3 },
  ),
  seed: option(seed, 'Seed of weights, order, flips and noise.', { default: 3407 }),
  batch: option(count(1, 65536), 'Pictures in one forward pass.'),
  accumulate: option(count(1, 4096), 'Forward passes whose gradients are added for one update.'),
  lr: option(rate(0, 1), 'Learning rate of Adam.'),
  lrSchedule: option(
    z.enum(['constant', 'linear', 'cosine']),
    'How the learning rate changes from warm-up to maxImages.',
    {
      default: 'constant',
    },
  ),
  warmup: option(count(0), 'Images over which the learning rate rises from 0.', { default: 0, placeholder: 'IMAGES' }),
  clipGradNorm: option(
    z.number().positive().nullable(),
    'Clip the norm of the gradients to this; null for no clipping.',
  ),
  betas: option(z.tuple([rate(0, 0.999999), rate(0, 0.999999)]), "Adam's decay rates."),
  emaDecay: option(rate(0, 0.999999).nullable(), 'Decay of the averaged weights (EMA); null for no average.'),
  emaEvery: option(count(1), 'Updates from one averaging to the next.'),
  emaLength: option(
    rate(0.01, 0.28).nullable(),
    'Average over the latest part of the run, however long that is, in place of emaDecay: its spread as a share of the run, such as 0.1 (sigma_rel of EDM2); null for emaDecay.',
    { default: null },
  ),
  precision: option(
    z.enum(['auto', 'fp32', 'tf32', 'bf16']),
    'Arithmetic of the training step. "auto" is tf32 on CUDA and fp32 on the CPU.',
    { default: 'auto' },
  ),
  exact: option(
    z.boolean(),
    "Compute with PyTorch's own operations, bit for bit, and on a GPU with deterministic convolutions only. Slower on the CPU.",
    { default: false },
  ),
  deterministic: option(
    z.boolean(),
    'Use only deterministic algorithms on a GPU: the same seed gives the same bytes again on the same GPU. Slower.',
    { default: false },
  ),
  device: option(z.enum(['auto', 'cpu', 'cuda']), 'Where to compute. "auto" takes a GPU if there is one.', {
    default: 'auto',
  }),
  threads: option(count(0, 1024), 'CPU threads; 0 uses all that the process, or its container, may use.', {
    default: 0,
  }),
  flip: option(z.boolean(), 'Mirror half of the pictures at random.', { default: true }),
  loaderWorkers: option(
    count(1, 256),
    'DataLoader workers whose random streams are reproduced; it changes which pictures are mirrored.',
    { default: 1 },
  ),
  background: option(colour, 'Colour behind transparent pictures when channels is 1 or 3.', { default: '#ffffff' }),
  fit: option(
    z.enum(['cover', 'contain', 'stretch']),
    'How a picture that is not square is fitted: cropped, padded with background, or stretched.',
    { default: 'cover' },
  ),
  crop: option(z.enum(['centre', 'top', 'entropy', 'attention']), 'Which part is kept when fit is "cover".', {
    default: 'centre',
  }),
  onUnreadable: option(z.enum(['skip', 'fail']), 'What to do with a picture that cannot be decoded.', {
    default: 'skip',
  }),
  duplicates: option(z.enum(['keep', 'drop']), 'What to do with files that are equal byte for byte.', {
    default: 'keep',
  }),
  holdout: option(
    z.union([z.literal('auto'), holdout]),
    'Pictures that are never trained on, so that what the model makes can be compared with them: how many, or a share below 1. "auto" holds out a tenth, at least 16, from 100 pictures on. Near-duplicates stay on one side. Recipes and exact hold out none unless you say so.',
    { default: 'auto', placeholder: 'N' },
  ),
  labels: option(
    z.union([z.string().min(1), labelSetSchema]).nullable(),
    'What is known of each picture, so that it can be asked for: "folders" for a class for each folder, "captions", "classes" or "attributes" for a .txt, .cls or .json file beside each picture, or a .csv or .json file of attributes; null for none. A run keeps what it found there.',
    { default: null, placeholder: 'WHERE' },
  ),
  maxPixels: option(
    count(64, 2 ** 30),
    'Largest picture that is decoded, in pixels; larger ones count as unreadable. Up to four are decoded at once: at the default, progressive JPEGs and interlaced PNGs may take 1.6 GB together and AVIF 4 GB; other JPEGs shrink while they load.',
    {
      default: 8192 * 8192,
    },
  ),
  pixelStore: option(
    z.enum(['auto', 'memory', 'file']),
    'Where decoded pixels are while a run trains: all in memory, or in a file of the cache that is read ahead. "auto" takes the file where they would fill more than a quarter of the memory.',
    { default: 'auto' },
  ),
  maxImages: option(count(1), 'Stop once the network has seen this many images.', { placeholder: 'IMAGES' }),
  time: option(
    duration.nullable(),
    'Train within this time, such as 5m or 1h, from the call to the last checkpoint: size, network, batch and schedule are chosen for the pictures and this machine where they are not given, and maxImages follows from the clock. Not with a recipe or exact; null to choose all yourself.',
    { default: null, placeholder: 'TIME' },
  ),
  maxTime: option(duration.nullable(), 'Stop after this time, such as 20m or 12h; null for no limit.', {
    default: null,
    placeholder: 'TIME',
  }),
  checkpointImages: option(count(1), 'Images between two checkpoints with previews.', { placeholder: 'IMAGES' }),
  checkpointTime: option(duration, 'Longest time between two checkpoints.', { default: '10m', placeholder: 'TIME' }),
  keepCheckpoints: option(count(1, 100000), 'Checkpoints to keep; older ones are deleted.', { default: 3 }),
  guard: option(
    z.boolean(),
    'Look for copies of training pictures at checkpoints, and warn. Off for recipes and with exact unless you ask for it.',
    { default: true },
  ),
  guardTime: option(rate(0.0001, 1), "Share of a run's time that guard may take.", { default: 0.03 }),
  stopOnCopies: option(z.boolean(), 'End the run once guard warns of copies.', { default: false }),
  maxRollbacks: option(
    count(0, 1000),
    'How often in a row a run goes back to its last checkpoint after a NaN in the loss or the weights.',
    { default: 3, placeholder: 'TIMES' },
  ),
  logImages: option(count(1), 'Images between two lines of metrics.jsonl; the first update has one too.', {
    default: 200,
    placeholder: 'IMAGES',
  }),
  previews: option(count(0, 1024), 'Pictures on each preview grid; 0 for no previews.', { default: 16 }),
} as const

/** The same, complete. */
export type CommonOptions = Resolved<typeof commonSpecs>

/** Options of `load()`. */
export const loadSpecs = {
  device: commonSpecs.device,
  threads: commonSpecs.threads,
  at: option(
    z.union([z.enum(['newest', 'best']), count(0)]),
    'Which checkpoint of a run: the newest, the one after so many images, or "best", the last one before guard first warned of copies.',
    { default: 'newest', placeholder: 'IMAGES' },
  ),
  exact: option(
    z.boolean(),
    "Sample with PyTorch's own operations, bit for bit, as a run that was trained with exact always does.",
    { default: false },
  ),
} as const
