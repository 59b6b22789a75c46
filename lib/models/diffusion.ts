/** The Gaussian diffusion model: its options, the two published U-Nets' defaults, and how it samples. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { type AskedLabels, asksForLabels } from '../options/asked-labels.ts'
import type { CommonOptions } from '../options/common.ts'
import { conditionNames, conditionOf } from '../options/condition.ts'
import { isLabelSet } from '../options/labels.ts'
import { option } from '../options/option-spec.ts'
import { distilledSteps, FINEST_STEPS, type Teacher } from '../options/teacher.ts'
import { teacherSchema } from '../options/teacher-schema.ts'
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

type Conditioned = Pick<CommonOptions, 'size' | 'channels' | 'exact'> & {
  condition: string | null
  conditionScale: number
  variant: string
}

/** What a condition cannot be made of, or for. */
function conditionProblems(o: Conditioned): Problem[] {
  if (o.condition === null) return []
  const problems: Problem[] = []
  const { size, conditionScale } = o
  if (o.condition === 'lowres' && (size % conditionScale !== 0 || size === conditionScale))
    problems.push({
      path: 'conditionScale',
      message: `must divide size ${size} and be less, but is ${conditionScale}`,
    })
  if (o.condition === 'grey' && o.channels === 1)
    problems.push({ path: 'condition', message: '"grey" is for pictures in colour, but channels is 1' })
  if (o.variant === '2.3-cfg') problems.push({ path: 'condition', message: 'is not in variant "2.3-cfg"' })
  return problems
}

/** The network of classifier_free_guidance.py knows one class a picture, and none of what is newer than it. */
function classProblems(o: Pick<CommonOptions, 'labels' | 'time'> & { selfCondition: boolean }): Problem[] {
  const problems: Problem[] = []
  if (o.labels === null)
    problems.push({ path: 'labels', message: 'must be given for variant "2.3-cfg", such as "folders"' })
  else if (isLabelSet(o.labels) && (o.labels.attributes.length !== 1 || o.labels.attributes[0]!.kind !== 'class'))
    problems.push({ path: 'labels', message: 'must be one attribute of several classes for variant "2.3-cfg"' })
  if (o.selfCondition) problems.push({ path: 'selfCondition', message: 'is not in variant "2.3-cfg"' })
  // What is measured beforehand knows no classes yet.
  if (o.time !== null)
    problems.push({ path: 'time', message: 'must be null for variant "2.3-cfg"; use maxTime to stop it' })
  return problems
}

/** A student predicts v whatever its teacher does, and sees no changed pictures: its teacher makes them. */
const STUDENT = {
  objective: 'v',
  selfCondition: false,
  augment: 0,
  dropout: 0,
  ambientSigma: 0,
  offsetNoise: 0,
  exact: false,
  time: null,
  condition: null,
} as const

type Student = { [K in keyof typeof STUDENT]: unknown } & {
  teacher: string | Teacher | null
  distilSteps: number | null
  timesteps: number
}

function distilProblems(o: Student): Problem[] {
  const { teacher, distilSteps } = o
  if (teacher === null && distilSteps === null) return []
  if (teacher === null) return [{ path: 'teacher', message: 'must be given with distilSteps: the run to learn from' }]
  if (distilSteps === null)
    return [{ path: 'distilSteps', message: `must be given with teacher: ${distilledSteps.join(', ')}` }]
  const names = Object.keys(STUDENT) as (keyof typeof STUDENT)[]
  const problems: Problem[] = names
    .filter((name) => o[name] !== STUDENT[name])
    .map((path) => ({ path, message: `must be ${JSON.stringify(STUDENT[path])} for a model that is distilled` }))
  if (o.timesteps < FINEST_STEPS)
    problems.push({
      path: 'timesteps',
      message: `must be at least ${FINEST_STEPS} to be distilled, but is ${o.timesteps}`,
    })
  return problems
}

/** A distilled model knows its own way from noise to a picture and no other. */
function distilledSampleProblems(o: Guided & { sampler: string; steps: number; eta: number }, own: number): Problem[] {
  const problems: Problem[] = []
  const is = `this model was distilled to ${own} steps`
  if (o.steps !== own) problems.push({ path: 'steps', message: `must be ${own}, because ${is}, but is ${o.steps}` })
  if (o.sampler !== 'ddim')
    problems.push({ path: 'sampler', message: `must be "ddim", because ${is}, but is "${o.sampler}"` })
  if (o.eta !== 0) problems.push({ path: 'eta', message: `must be 0, because ${is}, but is ${o.eta}` })
  if (o.guidance !== 1) problems.push({ path: 'guidance', message: `must be 1, because ${is}, but is ${o.guidance}` })
  return problems
}

type Guided = AskedLabels & { guidance: number; guidanceInterval: readonly number[] }

/** Guidance is by the difference that labels make: there must be some, and the network must have learned to do without. */
function guidanceProblems(o: Guided, { labelDropout }: { labelDropout: number }): Problem[] {
  const problems: Problem[] = []
  const [from = 0, to = 1] = o.guidanceInterval
  if (from > to) problems.push({ path: 'guidanceInterval', message: `must rise, but is ${from},${to}` })
  if (o.guidance === 1) return problems
  if (!asksForLabels(o))
    problems.push({ path: 'guidance', message: 'is by what is asked for: give label, attributes or prompt with it' })
  else if (labelDropout === 0)
    problems.push({
      path: 'guidance',
      message: 'must be 1 for a model that was trained with labelDropout 0, which has not learned to do without labels',
    })
  return problems
}

export const diffusion = defineModel({
  help: 'Gaussian diffusion with the U-Net of denoising-diffusion-pytorch.',
  networks: [],
  mainLoss: 'loss',
  peakOfKept: { own: 0.73, reference: 1.35 },
  widthOption: 'dim',
  defaultVariant: '2.3',
  specs: {
    variant: option(
      z.enum(['0.26', '2.3', '2.3-cfg']),
      'Diffusion: "0.26" is the U-Net of denoising-diffusion-pytorch 0.26.4, "2.3" its successor with RMSNorm and memory keys, "2.3-cfg" that of its classifier_free_guidance.py, which learns one label of several classes.',
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
    condition: option(
      z.enum(conditionNames).nullable(),
      'Learn to turn such a picture into one of the set: "lowres" a small one, "lines" a line drawing, "dark" a dark one, "grey" one without colour, "mask" one of which a part is missing. They are made of the training pictures. Null for pictures of noise alone.',
      { default: null },
    ),
    conditionScale: option(
      count(2, 16),
      'With condition "lowres", how many pixels of the picture are one of the small picture, each way.',
      { default: 4 },
    ),
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
    labelDropout: option(
      rate(0, 1),
      'Share of pictures whose labels are hidden while training, so that samples can be guided by the difference; with 0 guidance is not possible.',
    ),
    offsetNoise: option(rate(0, 1), 'Strength of offset noise; 0.1 is usual where brightness varies.', { default: 0 }),
    teacher: option(
      z.union([z.string().min(1), teacherSchema]).nullable(),
      'Run whose samples this one learns to make in distilSteps; distil() sets both. Null to learn from pictures.',
      { default: null, placeholder: 'RUN' },
    ),
    distilSteps: option(
      z.literal(distilledSteps).nullable(),
      'Denoising steps that the model takes, always, once it has learned from its teacher; null for any number.',
      { default: null },
    ),
  },
  defaults: {
    '0.26': {
      ...trainer,
      labelDropout: 0.1,
      clipGradNorm: null,
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l1',
      maxImages: 1_600_000,
      checkpointImages: 16_000,
    },
    '2.3-cfg': {
      ...trainer,
      clipGradNorm: 1,
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l2',
      labelDropout: 0.5,
      maxImages: 1_600_000,
      checkpointImages: 16_000,
    },
    '2.3': {
      ...trainer,
      labelDropout: 0.1,
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
    guidance: option(
      rate(0, 100),
      'How strongly samples follow label, attributes or prompt: 1 is as learned, 2 is usual, more is plainer and nearer to copies. Above 1 each step takes two passes of the network.',
      { default: 1 },
    ),
    guidanceRescale: option(
      rate(0, 1),
      'Leads the contrast of guided samples back to that of the network: 0 not at all, 0.7 is usual with much guidance.',
      { default: 0 },
    ),
    guidanceProjection: option(
      z.boolean(),
      'Leaves out what of guidance only makes the picture stronger, as "2.3-cfg" does: more guidance is then usual, such as 6.',
    ),
    guidanceInterval: option(
      z.tuple([rate(0, 1), rate(0, 1)]),
      'From where to where guidance counts, as shares of the time from the picture (0) to noise (1): in the middle alone it is cheaper and keeps variety.',
      { default: [0, 1] },
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
    if (o.variant !== '0.26' && o.dim % 2 !== 0)
      problems.push({
        path: 'dim',
        message: `must be even for variant "${o.variant}", whose time embedding has a sine for each cosine, but is ${o.dim}`,
      })
    if (o.schedule === 'linear' && o.timesteps <= 20)
      problems.push({
        path: 'timesteps',
        message: `must be above 20 for schedule "linear", whose steps would otherwise remove more than the whole picture, but is ${o.timesteps}`,
      })
    if (o.variant === '2.3-cfg') problems.push(...classProblems(o))
    problems.push(...distilProblems(o))
    problems.push(...conditionProblems(o))
    return problems
  },
  checkSample(o, train) {
    const problems: Problem[] = []
    const { steps } = o
    if (train.distilSteps !== null) return distilledSampleProblems(o, train.distilSteps)
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
    problems.push(...guidanceProblems(o, train))
    return problems
  },
  checkWalk({ sampler, eta }) {
    const message = 'adds noise at each step, so that pictures of a walk would flicker; leave it out'
    if (sampler === 'ddpm') return [{ path: 'sampler', message: `"ddpm" ${message}` }]
    return eta === 0 ? [] : [{ path: 'eta', message: `${eta} ${message}` }]
  },
  sampleDefaults(train, given) {
    const projected = train.variant === '2.3-cfg'
    if (train.distilSteps !== null)
      return { sampler: 'ddim', steps: train.distilSteps, guidanceProjection: projected } as const
    const sampler = given.sampler ?? usualSampler(given.eta)
    const all = train.timesteps
    const steps: Readonly<Record<string, number>> = { ddim: Math.min(50, all), ddpm: all }
    return { sampler, steps: steps[sampler] ?? Math.min(20, all), guidanceProjection: projected }
  },
  exported: ({ channels, size, selfCondition }) => ({
    latent: { distribution: 'normal', shape: [channels, size, size] },
    range: 'unit',
    selfCondition,
  }),
  sampledAtOnce: ({ batch }) => batch,
  previewOptions: (train) =>
    train.distilSteps !== null ? {} : { steps: Math.min(train.previewSteps, train.timesteps) },
  timed: timedDiffusion,
  learnsLabels: 'any-time',
  // Copying begins where there is noise enough to hide details and not so much as to hide all (arXiv 2603.13419).
  guard: {
    args: { logSnr: [-3, 0, 3] },
    rows: ['logSnr-3', 'logSnr0', 'logSnr3'],
    meaning: 'The loss of held-out pictures is above that of training pictures',
  },
  // A third of what an update computes is the pass forward.
  sampleCost: (train) => (train.distilSteps ?? Math.min(20, train.timesteps)) / 3,
  // The coin of self-conditioning is tossed on the host, and so is what a batch draws for itself.
  canReplay: (train) =>
    train.distilSteps === null &&
    train.selfCondition === false &&
    train.dropout === 0 &&
    train.augment === 0 &&
    train.ambientSigma === 0 &&
    conditionOf(train) === null,
  imagesPerUpdate: (train) => train.batch * train.accumulate,
})
