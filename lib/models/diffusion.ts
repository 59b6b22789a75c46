/** The Gaussian diffusion model: its options, the two published U-Nets' defaults, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { option } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import { timedDiffusion } from './diffusion-timed.ts'
import { defineModel } from './model.ts'

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
const usualSampler = (eta: number | undefined) => (eta === undefined || eta === 0 ? 'unipc' : 'ddim')

export const diffusion = defineModel({
  help: 'Gaussian diffusion with the U-Net of denoising-diffusion-pytorch.',
  mainLoss: 'loss',
  peakOfKept: { own: 0.73, reference: 1.35 },
  widthOption: 'dim',
  defaultVariant: '2.3',
  specs: {
    variant: option(
      z.enum(['0.26', '2.3']),
      'Diffusion: "0.26" is the U-Net of denoising-diffusion-pytorch 0.26.4, "2.3" its successor with RMSNorm and memory keys.',
      { default: '2.3' },
    ),
    dim: option(count(8, 1024), 'Width of the first stage, in channels: even, and a multiple of 8 for "0.26".', {
      default: 64,
    }),
    dimMults: option(
      z.array(count(1, 64)).min(1).max(8),
      'Width of each stage as a multiple of dim. (1,4,16) is the "extreme hourglass".',
      { default: [1, 2, 4, 8] },
    ),
    selfCondition: option(z.boolean(), 'Feed the previous estimate of the picture back into the network.', {
      default: false,
    }),
    objective: option(z.enum(['noise', 'x0', 'v']), 'What the network predicts.'),
    schedule: option(z.enum(['linear', 'cosine', 'sigmoid']), 'Noise schedule.'),
    timesteps: option(count(2, 10000), 'Length T of the diffusion process.', { default: 1000 }),
    loss: option(z.enum(['l1', 'l2']), 'Distance between prediction and target.'),
    lossWeight: option(
      z.enum(['none', 'p2', 'min-snr']),
      'Weight of each time step in the loss. "none" is the usual weight of the objective.',
      { default: 'none' },
    ),
    p2Gamma: option(rate(0, 10), 'Exponent of the p2 weight.', { default: 1 }),
    p2K: option(rate(0, 100), 'Offset k of the p2 weight.', { default: 1 }),
    minSnrGamma: option(rate(0, 1000), 'Clamp of the min-SNR weight.', { default: 5 }),
    previewSteps: option(count(1, 10000), 'Denoising steps of a preview.', { default: 20 }),
    dropout: option(
      rate(0, 0.9),
      'Share of values dropped in each block while training; 0.05 to 0.2 slows learning pictures by heart.',
      { default: 0 },
    ),
    augment: option(
      rate(0, 1),
      'Probability with which each training picture is turned, scaled, stretched or moved. The network is told how, so that its samples are not; 0.12 is usual.',
      { default: 0 },
    ),
    ambientSigma: option(
      rate(0, 100),
      'Above this noise level (sigma, for pixels from -1 to 1) each picture is learned with one fixed noise added, so that it cannot be learned by heart; 0 for never.',
      { default: 0 },
    ),
    offsetNoise: option(rate(0, 1), 'Strength of offset noise; 0.1 is usual where brightness varies.', { default: 0 }),
  },
  defaults: {
    '0.26': {
      ...trainer,
      clipGradNorm: null,
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l1',
      maxImages: 1_600_000,
      checkpointImages: 16_000,
    },
    '2.3': {
      ...trainer,
      clipGradNorm: 1,
      objective: 'v',
      schedule: 'sigmoid',
      loss: 'l2',
      maxImages: 1_600_000,
      checkpointImages: 16_000,
    },
  },
  sampleSpecs: {
    sampler: option(
      z.enum(['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddim', 'ddpm']),
      'Sampler: "unipc" by default, "ddim" where eta is given. "ddpm" takes every time step.',
    ),
    steps: option(
      count(1, 10000),
      'Denoising steps, each one pass of the network: 50 by default for "ddim", all for "ddpm".',
    ),
    eta: option(rate(0, 1), 'Noise that DDIM adds at each step: 0 is deterministic, 1 is DDPM-like.', { default: 0 }),
  },
  check(o) {
    const problems: Problem[] = []
    const stages = o.dimMults.length
    const factor = 2 ** (stages - 1)
    if (o.size % factor !== 0) {
      problems.push({
        path: 'size',
        message: `must be divisible by ${factor}, because dimMults has ${stages} stages, but is ${o.size}`,
      })
    }
    if (o.variant === '0.26' && o.dim % 8 !== 0)
      problems.push({
        path: 'dim',
        message: `must be a multiple of 8 for variant "0.26", whose norms have 8 groups, but is ${o.dim}`,
      })
    if (o.variant === '2.3' && o.dim % 2 !== 0)
      problems.push({
        path: 'dim',
        message: `must be even for variant "2.3", whose time embedding has a sine for each cosine, but is ${o.dim}`,
      })
    if (o.schedule === 'linear' && o.timesteps <= 20)
      problems.push({
        path: 'timesteps',
        message: `must be above 20 for schedule "linear", whose steps would otherwise remove more than the whole picture, but is ${o.timesteps}`,
      })
    return problems
  },
  checkSample(o, train) {
    const problems: Problem[] = []
    const { steps } = o
    if (o.sampler === 'ddpm' && steps !== train.timesteps)
      problems.push({
        path: 'steps',
        message: `must be ${train.timesteps} for sampler "ddpm", the timesteps of the model, but is ${steps}`,
      })
    else if (steps > train.timesteps)
      problems.push({
        path: 'steps',
        message: `must be at most ${train.timesteps}, the timesteps of the model, but is ${steps}`,
      })
    if (o.eta !== 0 && o.sampler !== 'ddim')
      problems.push({ path: 'eta', message: `applies to sampler "ddim" only, but sampler is "${o.sampler}"` })
    return problems
  },
  checkWalk({ sampler, eta }) {
    const message = 'adds noise at each step, so that pictures of a walk would flicker; leave it out'
    if (sampler === 'ddpm') return [{ path: 'sampler', message: `"ddpm" ${message}` }]
    return eta === 0 ? [] : [{ path: 'eta', message: `${eta} ${message}` }]
  },
  sampleDefaults(train, given) {
    const sampler = given.sampler ?? usualSampler(given.eta)
    const all = train.timesteps
    const steps: Readonly<Record<string, number>> = { ddim: Math.min(50, all), ddpm: all }
    return { sampler, steps: steps[sampler] ?? Math.min(20, all) }
  },
  exported: ({ channels, size, selfCondition }) => ({
    latent: { distribution: 'normal', shape: [channels, size, size] },
    range: 'unit',
    selfCondition,
  }),
  sampledAtOnce: ({ batch }) => batch,
  previewOptions: (train) => ({ steps: Math.min(train.previewSteps, train.timesteps) }),
  timed: timedDiffusion,
  // Copying begins where there is noise enough to hide details and not so much as to hide all (arXiv 2603.13419).
  guard: {
    args: { logSnr: [-3, 0, 3] },
    rows: ['logSnr-3', 'logSnr0', 'logSnr3'],
    meaning: 'The loss of held-out pictures is above that of training pictures',
  },
  // A third of what an update computes is the pass forward.
  sampleCost: (train) => Math.min(20, train.timesteps) / 3,
  // The coin of self-conditioning is tossed on the host, and so is what a batch draws for itself.
  canReplay: (train) =>
    train.selfCondition === false && train.dropout === 0 && train.augment === 0 && train.ambientSigma === 0,
  imagesPerUpdate: (train) => train.batch * train.accumulate,
})
