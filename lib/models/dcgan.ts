/** The DCGAN: its options, the defaults of three published variants, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { row } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import type { ModelDefinition } from './model.ts'

const trainer = {
  accumulate: 1,
  lr: 2e-4,
  clip: null,
  betas: [0.5, 0.999],
  emaDecay: null,
  emaEvery: 1,
  maxImages: 1_600_000,
  snapshotImages: 16_000,
} as const

/** Whether the first batch norm sees one value a picture, so that its statistics need two pictures. */
const hasDenseStem = (train: Readonly<Record<string, unknown>>) => train.preset !== 'pytorch'

export const dcgan = {
  help: 'DCGAN in three published variants.',
  variantOption: 'preset',
  defaultVariant: 'pytorch',
  rows: {
    preset: row(
      z.enum(['pytorch', 'chainer', 'radford']),
      'DCGAN: "pytorch" is the example of PyTorch (64 px), "chainer" the Chainer DCGAN (96 px, ELU, two logits), "radford" the paper (64 px, 5x5).',
      { default: 'pytorch' },
    ),
    latent: row(count(1, 4096), 'Length of the latent vector z.', { default: 100 }),
    width: row(count(1, 1024), "Channels of the generator's last and the discriminator's first hidden layer."),
    ganLoss: row(z.enum(['non-saturating', 'minimax']), 'Loss of the generator.', { default: 'non-saturating' }),
    discriminatorUpdates: row(count(1, 100), 'Discriminator updates for each generator update.', { default: 1 }),
    weightDecay: row(rate(0, 1), 'Weight decay added to the gradients.'),
  },
  defaults: {
    pytorch: { ...trainer, size: 64, batch: 64, width: 64, weightDecay: 0 },
    chainer: { ...trainer, size: 96, batch: 100, width: 64, weightDecay: 1e-5 },
    radford: { ...trainer, size: 64, batch: 128, width: 128, weightDecay: 1e-5 },
  },
  sampleSpecs: {
    bn: row(
      z.enum(['running', 'batch']),
      'Batch norm statistics: "running" gives one picture for one seed, "batch" makes pictures depend on their neighbours.',
      { default: 'running' },
    ),
  },
  check(o): Problem[] {
    const sizes = [32, 64, 96, 128]
    const problems: Problem[] = []
    if (!sizes.includes(o.size as number)) {
      problems.push({ path: 'size', message: `must be one of ${sizes.join(', ')} for model "dcgan", but is ${o.size}` })
    }
    if (hasDenseStem(o) && o.batch === 1) {
      problems.push({
        path: 'batch',
        message: `must be at least 2 for preset "${o.preset}", whose first batch norm sees one value a picture; or use preset "pytorch"`,
      })
    }
    return problems
  },
  checkSample(o, train): Problem[] {
    const pictures = (o.seeds as readonly number[] | null)?.length ?? (o.count as number)
    if (o.bn === 'running' || pictures > 1 || !hasDenseStem(train)) return []
    return [
      { path: 'bn', message: `must be "running" for a single picture of preset "${train.preset}", or draw at least 2` },
    ]
  },
  sampleDefaults: () => ({}),
  // The statistics of the sheet itself, as pytorch/examples draws its own; running ones mean nothing at the start.
  previewOptions: (train) => ({ bn: hasDenseStem(train) && train.previews === 1 ? 'running' : 'batch' }),
  // Each discriminator update counts its own steps, on the host.
  canReplay: (train) => train.discriminatorUpdates === 1,
  imagesPerUpdate: (train) =>
    (train.batch as number) * (train.accumulate as number) * (train.discriminatorUpdates as number),
} as const satisfies ModelDefinition
