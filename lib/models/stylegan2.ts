/** StyleGAN2: its options, the defaults of its variants, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { option } from '../options/option-spec.ts'
import { count, rate, seed } from '../options/values.ts'
import { GAN_LABEL_DROPOUT, labelDropout } from './gan-labels.ts'
import { defineModel } from './model.ts'

const SMALLEST = 32
const LARGEST = 256
/** NumPy's RandomState takes no larger seed. */
const NUMPY_SEEDS = 2 ** 32

const trainer = {
  size: 128,
  batch: 32,
  accumulate: 1,
  clipGradNorm: null,
  // A half-life of 10,000 images at batch 32.
  emaDecay: 0.9978,
  emaEvery: 1,
  maxImages: 25_000_000,
  checkpointImages: 40_000,
  labelDropout: GAN_LABEL_DROPOUT,
} as const

const lazy = { ganLoss: 'non-saturating', r1Every: 16, pathLengthWeight: 2, styleMixing: 0.9 } as const

const isPowerOfTwo = (n: number) => Number.isInteger(Math.log2(n))

export const stylegan2 = defineModel({
  help: 'StyleGAN2 with augmentation for few pictures, and with the loss of R3GAN.',
  networks: ['generator', 'discriminator'],
  mainLoss: 'lossG',
  peakOfKept: { own: 2.2, reference: 2.7 },
  widthOption: 'channelMax',
  defaultVariant: 'ada',
  specs: {
    variant: option(
      z.enum(['ada', 'paper', 'r3gan']),
      'StyleGAN2: "ada" is the automatic configuration of StyleGAN2-ADA, "paper" configuration F of StyleGAN2, "r3gan" the same networks with the relativistic loss of R3GAN and both of its penalties.',
      { default: 'ada' },
    ),
    latent: option(count(1, 4096), 'Length of the latent vectors z and w.', { default: 512 }),
    channelBase: option(
      count(256, 131072),
      'Channels of a map times its side: a map of side r has channelBase / r of them, at most channelMax.',
    ),
    channelMax: option(count(8, 1024), 'Most channels of a map. 128 with channelBase 4096 trains on a CPU.', {
      default: 512,
    }),
    mappingLayers: option(count(1, 16), 'Layers of the mapping network from z to w.'),
    minibatchGroup: option(
      count(1, 64),
      'Pictures whose differences the discriminator is told of, to keep the generator from making one picture only.',
      { default: 4 },
    ),
    ganLoss: option(
      z.enum(['non-saturating', 'relativistic']),
      'Loss of both networks. "relativistic" compares each generated picture with a real one.',
    ),
    r1Gamma: option(
      rate(0, 100000).nullable(),
      'Weight of the penalty on slopes of the discriminator at data (R1; with "relativistic" at generated pictures too); null for 0.0002 x size² / batch.',
    ),
    r1Every: option(count(1, 1000), 'Updates from one such penalty to the next. It counts as many times.'),
    pathLengthWeight: option(
      rate(0, 1000),
      'Weight of the path length penalty, which makes a step of w move a picture equally far everywhere; 0 for none.',
    ),
    pathLengthEvery: option(count(1, 1000), 'Updates from one such penalty to the next. It counts as many times.', {
      default: 4,
    }),
    styleMixing: option(rate(0, 1), 'Share of batches whose finer styles come from a second latent.'),
    emaRamp: option(
      rate(0.001, 10).nullable(),
      'Half-life of the averaged weights at most, as a share of the run so far; null for no such limit.',
    ),
    labelDropout,
    augment: option(
      z.enum(['none', 'diffaugment', 'ada']),
      'What real and generated pictures go through before the discriminator sees them. "diffaugment" changes colours, moves and cuts out, always; it is best for hundreds of pictures. "ada" does more, as often as the discriminator learns by heart.',
    ),
    augmentSet: option(
      z.enum(['drawings', 'published']),
      'Operations of "ada". "drawings" leaves out rotations, mirroring and changes of hue, which a generator could learn to copy.',
      { default: 'drawings' },
    ),
    augmentTarget: option(
      rate(-1, 1),
      'Share by which more real pictures pass for real than not, where "ada" keeps it.',
      {
        default: 0.6,
      },
    ),
    augmentImages: option(count(1), 'Images in which "ada" can go from never to always.', {
      default: 500_000,
      placeholder: 'IMAGES',
    }),
    augmentP: option(rate(0, 1).nullable(), 'Fixed probability of each operation of "ada"; null to adapt it.', {
      default: null,
    }),
  },
  defaults: {
    ada: {
      ...trainer,
      ...lazy,
      lr: 2.5e-3,
      betas: [0, 0.99],
      channelBase: 16384,
      mappingLayers: 2,
      r1Gamma: null,
      emaRamp: 0.05,
      augment: 'ada',
    },
    paper: {
      ...trainer,
      ...lazy,
      lr: 2e-3,
      betas: [0, 0.99],
      channelBase: 32768,
      mappingLayers: 8,
      r1Gamma: 10,
      emaRamp: null,
      augment: 'none',
    },
    r3gan: {
      ...trainer,
      lr: 2e-4,
      betas: [0, 0.99],
      channelBase: 16384,
      mappingLayers: 2,
      ganLoss: 'relativistic',
      r1Gamma: 1,
      r1Every: 1,
      pathLengthWeight: 0,
      styleMixing: 0,
      emaRamp: 0.05,
      augment: 'diffaugment',
    },
  },
  sampleSpecs: {
    truncation: option(
      rate(-2, 2),
      'How far from the mean picture: 1 as trained, 0.7 less varied and cleaner, 0 the mean itself.',
      { default: 1 },
    ),
    noise: option(
      z.enum(['const', 'random', 'none']),
      'Noise of fine details: the same for all pictures, of each seed, or none.',
      { default: 'const' },
    ),
    latents: option(
      z.enum(['torch', 'numpy']),
      "Where a seed's latent comes from: PyTorch's generator, or NumPy's RandomState, as in published galleries.",
      { default: 'torch' },
    ),
    mixSeed: option(seed.nullable(), 'Seed whose styles replace those of maps from mixFrom on; null for none.', {
      default: null,
    }),
    mixFrom: option(count(4, 1024), 'Side of the first maps that take the styles of mixSeed: 4, 8, 16, ...', {
      default: 16,
      placeholder: 'PIXELS',
    }),
  },
  check(o) {
    const problems: Problem[] = []
    if (!isPowerOfTwo(o.size) || o.size < SMALLEST || o.size > LARGEST)
      problems.push({
        path: 'size',
        message: `must be one of 32, 64, 128, 256 for model "stylegan2", but is ${o.size}`,
      })
    else if (o.channelBase < o.size)
      problems.push({
        path: 'channelBase',
        message: `must be at least size, ${o.size}, but is ${o.channelBase}: the largest map would have no channels`,
      })
    if (o.augmentP !== null && o.augment !== 'ada')
      problems.push({ path: 'augmentP', message: `applies to augment "ada" only, but augment is "${o.augment}"` })
    return problems
  },
  checkSample(o, train) {
    const problems: Problem[] = []
    const seeds = [...(o.seeds ?? [o.seed, o.seed + o.count - 1]), ...(o.mixSeed === null ? [] : [o.mixSeed])]
    if (o.latents === 'numpy' && seeds.some((s) => s >= NUMPY_SEEDS))
      problems.push({
        path: o.seeds === null ? 'seed' : 'seeds',
        message: `must be below ${NUMPY_SEEDS} with latents "numpy", whose RandomState takes no others`,
      })
    if (o.mixSeed !== null && (!isPowerOfTwo(o.mixFrom) || o.mixFrom > train.size))
      problems.push({
        path: 'mixFrom',
        message: `must be a power of two up to the size of the pictures, ${train.size}, but is ${o.mixFrom}`,
      })
    return problems
  },
  checkWalk: ({ noise }) =>
    noise === 'random'
      ? [{ path: 'noise', message: '"random" is of each seed, so that pictures of a walk would flicker; use "const"' }]
      : [],
  sampleDefaults: () => ({}),
  exported: ({ latent }) => ({
    latent: { distribution: 'normal', shape: [latent] },
    range: 'unit',
    selfCondition: false,
  }),
  learnsLabels: 'from-the-start',
  sampledAtOnce: ({ batch }) => batch,
  previewOptions: () => ({}),
  timed: { networks: [], imagesFor: () => 0, costOf: () => 1, settings: () => ({}) },
  guard: {
    args: {},
    rows: ['discriminator'],
    meaning: 'The discriminator tells held-out pictures from training pictures',
    ofSamples: true,
  },
  sampleCost: () => 1 / 10,
  // Every k-th update does more than the others.
  canReplay: () => false,
  imagesPerUpdate: (train) => train.batch * train.accumulate * (train.ganLoss === 'relativistic' ? 2 : 1),
})
