/** The progressively grown GAN: its options, the defaults of the published network and of a small one, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { option } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import { defineModel } from './model.ts'

const trainer = {
  batch: 16,
  accumulate: 1,
  lr: 1e-3,
  clipGradNorm: null,
  betas: [0, 0.99],
  emaDecay: 0.999,
  emaEvery: 1,
  checkpointImages: 16_000,
} as const

const SIZES = [8, 16, 32, 64, 128, 256, 512]

/** Scales of a network: 4 px, 8 px, and so on up to its size. */
const scalesOf = (size: number) => Math.log2(size) - 1

/** Images until the last scale has had as many as the others: the first one takes half. */
const lengthOf = (size: number, scaleImages: number) => scaleImages * (scalesOf(size) - 0.5)

export const pgan = defineModel({
  help: 'Progressively grown GAN, as pytorch_GAN_zoo has it.',
  networks: [],
  mainLoss: 'lossG',
  peakOfKept: { own: 2.9, reference: 2.8 },
  widthOption: 'widths',
  defaultVariant: 'zoo',
  specs: {
    variant: option(
      z.enum(['zoo', 'small']),
      'PGAN: "zoo" is the published network and schedule of pytorch_GAN_zoo, "small" a narrow one for hundreds of pictures.',
      { default: 'zoo' },
    ),
    latent: option(count(1, 4096), 'Length of the latent vector z.'),
    widths: option(
      z.array(count(1, 1024)).min(2).max(8),
      'Channels at 4 px, 8 px, 16 px and so on; those beyond size are not used.',
    ),
    minibatchStd: option(z.boolean(), 'Show the discriminator how much the pictures of a batch differ.', {
      default: true,
    }),
    scaleImages: option(
      count(1),
      'Images at each scale, from its first to the next; 4 px, the first one, has half as many.',
      { placeholder: 'IMAGES' },
    ),
    fadeImages: option(count(0), 'Images over which a new scale is faded in.', { placeholder: 'IMAGES' }),
    fadeSteps: option(count(1, 1_000_000), 'Steps in which a new scale is faded in.', { default: 600 }),
    gradientPenalty: option(rate(0, 1000), "Weight of the penalty on the discriminator's slopes (WGAN-GP).", {
      default: 10,
    }),
    driftPenalty: option(rate(0, 1000), "Weight of the penalty on the square of the discriminator's answers.", {
      default: 0.001,
    }),
  },
  defaults: {
    zoo: {
      ...trainer,
      size: 128,
      latent: 512,
      widths: [512, 512, 512, 512, 256, 128, 64, 32],
      scaleImages: 1_536_000,
      fadeImages: 307_200,
      maxImages: lengthOf(128, 1_536_000),
    },
    small: {
      ...trainer,
      size: 32,
      latent: 128,
      widths: [128, 128, 64, 32, 16, 16, 16, 16],
      scaleImages: 320_000,
      fadeImages: 160_000,
      maxImages: lengthOf(32, 320_000),
    },
  },
  sampleSpecs: {
    stretch: option(
      z.boolean(),
      'Stretch each picture from its own darkest to its own brightest value, instead of showing -1 as black and 1 as white.',
      { default: false },
    ),
  },
  check(o) {
    const problems: Problem[] = []
    const must = (path: string, message: string) => problems.push({ path, message: `must be ${message}` })
    if (!SIZES.includes(o.size)) must('size', `one of ${SIZES.join(', ')} for model "pgan", but is ${o.size}`)
    else if (o.widths.length < scalesOf(o.size))
      must(
        'widths',
        `at least ${scalesOf(o.size)} numbers for size ${o.size}, one for each of 4 to ${o.size} px, but has ${o.widths.length}`,
      )
    if (o.fadeImages > o.scaleImages)
      must('fadeImages', `at most scaleImages, ${o.scaleImages}, but is ${o.fadeImages}`)
    if (o.accumulate !== 1) must('accumulate', `1 for model "pgan", whose losses are sums, but is ${o.accumulate}`)
    if (o.emaEvery !== 1) must('emaEvery', `1 for model "pgan", but is ${o.emaEvery}`)
    if (o.emaLength !== null) must('emaLength', `null for model "pgan", whose average begins anew at every scale`)
    if (o.precision === 'bf16') must('precision', `"auto", "fp32" or "tf32" for model "pgan", but is "bf16"`)
    return problems
  },
  checkSample: () => [],
  checkWalk: () => [],
  sampleDefaults: () => ({}),
  exported: ({ latent }) => ({
    latent: { distribution: 'normal', shape: [latent] },
    range: 'unit',
    selfCondition: false,
  }),
  exportedWith: ({ size }) => ({
    tensor: 'generator.stage',
    values: [scalesOf(size) - 1, 0],
    otherwise: `it is still growing: train on until the scale of ${size} px is faded in`,
  }),
  sampledAtOnce: ({ batch }) => batch,
  previewOptions: () => ({}),
  // Networks for lengths of time were not measured; only the schedule follows. A smaller size keeps its last scale longer.
  timed: {
    networks: [],
    imagesFor: () => 0,
    costOf: () => 1,
    settings: (images) => {
      const scaleImages = Math.max(1, Math.floor(images / lengthOf(128, 1)))
      return { scaleImages, fadeImages: Math.floor(scaleImages / 2) }
    },
  },
  guard: {
    args: {},
    rows: ['discriminator'],
    meaning: 'The discriminator tells held-out pictures from training pictures',
    ofSamples: true,
  },
  sampleCost: () => 1 / 5,
  // Which scale is trained is decided on the host.
  canReplay: () => false,
  imagesPerUpdate: (train) => train.batch,
})
