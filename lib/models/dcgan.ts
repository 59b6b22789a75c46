/** The DCGAN: its options, the defaults of three published variants, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { option } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import { GAN_LABEL_DROPOUT, labelDropout } from './gan-labels.ts'
import { defineModel } from './model.ts'

const trainer = {
  accumulate: 1,
  lr: 2e-4,
  clipGradNorm: null,
  betas: [0.5, 0.999],
  emaDecay: null,
  emaEvery: 1,
  maxImages: 1_600_000,
  checkpointImages: 16_000,
  labelDropout: GAN_LABEL_DROPOUT,
} as const

/** Whether the first batch norm sees one value a picture, so that its statistics need two pictures. */
const hasDenseStem = ({ variant }: { variant: string }) => variant !== 'pytorch'

export const dcgan = defineModel({
  help: 'DCGAN in three published variants.',
  networks: [],
  mainLoss: 'lossG',
  peakOfKept: { own: 1.5, reference: 1.5 },
  widthOption: 'width',
  defaultVariant: 'pytorch',
  specs: {
    variant: option(
      z.enum(['pytorch', 'chainer', 'radford']),
      'DCGAN: "pytorch" is the example of PyTorch (64 px), "chainer" the Chainer DCGAN (96 px, ELU, two logits), "radford" the paper (64 px, 5x5).',
      { default: 'pytorch' },
    ),
    latent: option(count(1, 4096), 'Length of the latent vector z.', { default: 100 }),
    width: option(count(1, 1024), "Channels of the generator's last and the discriminator's first hidden layer."),
    ganLoss: option(z.enum(['non-saturating', 'minimax']), 'Loss of the generator.', { default: 'non-saturating' }),
    discriminatorUpdates: option(count(1, 100), 'Discriminator updates for each generator update.', { default: 1 }),
    labelDropout,
    weightDecay: option(rate(0, 1), 'Weight decay added to the gradients.'),
  },
  defaults: {
    pytorch: { ...trainer, size: 64, batch: 64, width: 64, weightDecay: 0 },
    chainer: { ...trainer, size: 96, batch: 100, width: 64, weightDecay: 1e-5 },
    radford: { ...trainer, size: 64, batch: 128, width: 128, weightDecay: 1e-5 },
  },
  sampleSpecs: {
    batchNorm: option(
      z.enum(['running', 'batch']),
      'Batch norm statistics: "running" gives one picture for one seed, "batch" makes pictures depend on their neighbours.',
      { default: 'running' },
    ),
  },
  check(o) {
    const sizes = [32, 64, 96, 128]
    const problems: Problem[] = []
    if (!sizes.includes(o.size)) {
      problems.push({ path: 'size', message: `must be one of ${sizes.join(', ')} for model "dcgan", but is ${o.size}` })
    }
    if (hasDenseStem(o) && o.batch === 1) {
      problems.push({
        path: 'batch',
        message: `must be at least 2 for variant "${o.variant}", whose first batch norm sees one value a picture; or use variant "pytorch"`,
      })
    }
    if (o.labels !== null && o.variant === 'radford')
      problems.push({
        path: 'labels',
        message:
          'need variant "pytorch" or "chainer": the generator of "radford" moves without pictures, and so without labels',
      })
    return problems
  },
  checkSample(o, train) {
    const pictures = o.seeds?.length ?? o.count
    if (o.batchNorm === 'running' || pictures > 1 || !hasDenseStem(train)) return []
    return [
      {
        path: 'batchNorm',
        message: `must be "running" for a single picture of variant "${train.variant}", or sample at least 2`,
      },
    ]
  },
  checkWalk: ({ batchNorm }) =>
    batchNorm === 'running'
      ? []
      : [
          {
            path: 'batchNorm',
            message: 'must be "running" for a walk, whose pictures must not depend on their neighbours',
          },
        ],
  sampleDefaults: () => ({}),
  exported: ({ variant, latent }) => ({
    latent: { distribution: variant === 'pytorch' ? 'normal' : 'uniform', shape: [latent] },
    range: variant === 'chainer' ? 'signed-byte' : 'unit',
    selfCondition: false,
  }),
  learnsLabels: 'from-the-start',
  // Statistics of the batch are those of all pictures together.
  sampledAtOnce: ({ batchNorm, batch, count }) => (batchNorm === 'batch' ? count : batch),
  // The statistics of the grid itself, as pytorch/examples samples its own; running ones mean nothing at the start.
  previewOptions: (train) => ({ batchNorm: hasDenseStem(train) && train.previews === 1 ? 'running' : 'batch' }),
  timed: { networks: [], imagesFor: () => 0, costOf: () => 1, settings: () => ({}) },
  guard: {
    args: {},
    rows: ['discriminator'],
    meaning: 'The discriminator tells held-out pictures from training pictures',
    ofSamples: true,
  },
  sampleCost: () => 1 / 2,
  // Each discriminator update counts its own steps, on the host.
  canReplay: (train) => train.discriminatorUpdates === 1,
  imagesPerUpdate: (train) => train.batch * train.accumulate * train.discriminatorUpdates,
})
