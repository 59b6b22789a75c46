/** The Gaussian diffusion model: its options, the two published U-Nets' defaults, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { row } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import type { ModelDefinition } from './model.ts'

const trainer = {
  size: 128,
  batch: 16,
  accumulate: 1,
  lr: 1e-4,
  betas: [0.9, 0.99],
  emaDecay: 0.995,
  emaEvery: 10,
} as const

/** docs/samplers.md shows why "unipc" is the usual one at any number of steps. */
const usualSampler = ({ eta }: Readonly<Record<string, unknown>>): string =>
  eta === undefined || eta === 0 ? 'unipc' : 'ddim'

export const diffusion = {
  help: 'Gaussian diffusion with the U-Net of denoising-diffusion-pytorch.',
  variantOption: 'unet',
  defaultVariant: '2.3',
  rows: {
    unet: row(
      z.enum(['2022', '2.3']),
      'U-Net: "2022" is denoising-diffusion-pytorch 0.26.4, "2.3" its successor with RMSNorm and memory keys.',
      { default: '2.3' },
    ),
    dim: row(count(8, 1024), 'Width of the first stage, in channels: even, and a multiple of 8 for "2022".', {
      default: 64,
    }),
    dimMults: row(
      z.array(count(1, 64)).min(1).max(8),
      'Width of each stage as a multiple of dim. (1,4,16) is the "extreme hourglass".',
      { default: [1, 2, 4, 8] },
    ),
    selfCondition: row(z.boolean(), 'Feed the previous estimate of the picture back into the network.', {
      default: false,
    }),
    objective: row(z.enum(['noise', 'x0', 'v']), 'What the network predicts.'),
    schedule: row(z.enum(['linear', 'cosine', 'sigmoid']), 'Noise schedule.'),
    timesteps: row(count(2, 10000), 'Length T of the diffusion process.', { default: 1000 }),
    loss: row(z.enum(['l1', 'l2']), 'Distance between prediction and target.'),
    lossWeight: row(
      z.enum(['none', 'p2', 'min-snr']),
      'Weight of each time step in the loss. "none" is the plain weight of the objective.',
      { default: 'none' },
    ),
    p2Gamma: row(rate(0, 10), 'Exponent of the p2 weight.', { default: 1 }),
    p2K: row(rate(0, 100), 'Offset k of the p2 weight.', { default: 1 }),
    minSnrGamma: row(rate(0, 1000), 'Clamp of the min-SNR weight.', { default: 5 }),
    offsetNoise: row(rate(0, 1), 'Strength of offset noise; 0.1 is usual where brightness varies.', { default: 0 }),
  },
  defaults: {
    '2022': {
      ...trainer,
      clip: null,
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l1',
      maxImages: 1_600_000,
      snapshotImages: 16_000,
    },
    '2.3': {
      ...trainer,
      clip: 1,
      objective: 'v',
      schedule: 'sigmoid',
      loss: 'l2',
      maxImages: 1_600_000,
      snapshotImages: 16_000,
    },
  },
  sampleSpecs: {
    sampler: row(
      z.enum(['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddim', 'ddpm']),
      'Sampler. Where none is given: "unipc", or "ddim" with eta. "ddpm" takes one step for every time step.',
    ),
    steps: row(
      count(1, 10000),
      'Denoising steps for each picture, one evaluation of the network each. 50 for "ddim", all for "ddpm".',
    ),
    eta: row(rate(0, 1), 'Noise that DDIM adds at each step: 0 is deterministic, 1 is DDPM-like.', { default: 0 }),
  },
  check(o): Problem[] {
    const problems: Problem[] = []
    const mults = o.dimMults as number[]
    const factor = 2 ** (mults.length - 1)
    if ((o.size as number) % factor !== 0) {
      problems.push({
        path: 'size',
        message: `must be divisible by ${factor}, because dimMults has ${mults.length} stages, but is ${o.size}`,
      })
    }
    if (o.unet === '2022' && (o.dim as number) % 8 !== 0)
      problems.push({
        path: 'dim',
        message: `must be a multiple of 8 for unet "2022", whose norms have 8 groups, but is ${o.dim}`,
      })
    if (o.unet === '2.3' && (o.dim as number) % 2 !== 0)
      problems.push({
        path: 'dim',
        message: `must be even for unet "2.3", whose time embedding has a sine for each cosine, but is ${o.dim}`,
      })
    if (o.schedule === 'linear' && (o.timesteps as number) <= 20)
      problems.push({
        path: 'timesteps',
        message: `must be above 20 for schedule "linear", whose steps would else remove more than all of the picture, but is ${o.timesteps}`,
      })
    return problems
  },
  checkSample(o, train): Problem[] {
    const problems: Problem[] = []
    const steps = o.steps as number
    if (o.sampler === 'ddpm' && steps !== train.timesteps)
      problems.push({
        path: 'steps',
        message: `must be ${train.timesteps} for sampler "ddpm", the timesteps of the model, but is ${steps}`,
      })
    else if (steps > (train.timesteps as number))
      problems.push({
        path: 'steps',
        message: `must be at most ${train.timesteps}, the timesteps of the model, but is ${steps}`,
      })
    if (o.eta !== 0 && o.sampler !== 'ddim')
      problems.push({ path: 'eta', message: `applies to sampler "ddim" only, but sampler is "${o.sampler}"` })
    return problems
  },
  sampleDefaults(train, given) {
    const sampler = given.sampler ?? usualSampler(given)
    const all = train.timesteps as number
    const steps: Readonly<Record<string, number>> = { ddim: Math.min(50, all), ddpm: all }
    return { sampler, steps: steps[sampler as string] ?? Math.min(20, all) }
  },
  previewOptions: (train) => ({ steps: Math.min(train.previewSteps as number, train.timesteps as number) }),
  // The coin of self-conditioning is tossed on the host.
  canReplay: (train) => train.selfCondition === false,
  imagesPerUpdate: (train) => (train.batch as number) * (train.accumulate as number),
} as const satisfies ModelDefinition
