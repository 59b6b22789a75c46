/** Recipes: one word that sets options to what a published source says, or to what was measured here. What the caller gives overrides it. */
import type { ModelName } from '../models/table.ts'

/**
 * `published`: whether it repeats a source, whose length and schedule are its own. `stated`: what the source says. `chosen`: what it leaves open where our usual default
 * would not do.
 */
type Recipe = {
  readonly help: string
  readonly published: boolean
  readonly model: ModelName
  readonly stated: Readonly<Record<string, unknown>>
  readonly chosen: Readonly<Record<string, unknown>>
}

/** What no source knows of: a run that is to be the source's takes the operations that give its bits, all pictures, and no guard. */
const same = { exact: true, holdout: 0, guard: false } as const

/** Defaults of Trainer, GaussianDiffusion and Unet in denoising-diffusion-pytorch 0.26.4, commit 12f95b3. */
const lucidrains2022 = {
  variant: '0.26',
  dimMults: [1, 2, 4, 8],
  channels: 3,
  selfCondition: false,
  objective: 'noise',
  schedule: 'cosine',
  timesteps: 1000,
  loss: 'l1',
  lossWeight: 'none',
  offsetNoise: 0,
  batch: 16,
  accumulate: 1,
  lr: 1e-4,
  lrSchedule: 'constant',
  warmup: 0,
  clipGradNorm: null,
  betas: [0.9, 0.99],
  emaDecay: 0.995,
  emaEvery: 10,
  flip: true,
  fit: 'cover',
  crop: 'centre',
  maxImages: 100_000 * 16,
  maxTime: null,
  checkpointImages: 1000 * 16,
  previews: 25,
} as const

/** The same in 2.3.4, whose last commit read is faed4db. */
const lucidrains2023 = {
  ...lucidrains2022,
  variant: '2.3',
  objective: 'v',
  schedule: 'sigmoid',
  loss: 'l2',
  clipGradNorm: 1,
}

const adversarial = {
  channels: 3,
  latent: 100,
  width: 64,
  ganLoss: 'non-saturating',
  discriminatorUpdates: 1,
  accumulate: 1,
  lr: 2e-4,
  lrSchedule: 'constant',
  warmup: 0,
  clipGradNorm: null,
  betas: [0.5, 0.999],
  emaDecay: null,
  maxTime: null,
} as const

export const recipes = {
  few: {
    help: 'For some hundred pictures: learns fast, and ends once the copy guard warns of copies (docs/few-pictures.md)',
    published: false,
    model: 'diffusion',
    stated: {
      lr: 2e-3,
      lrSchedule: 'cosine',
      warmup: 1600,
      emaEvery: 1,
      stopOnCopies: true,
    },
    chosen: {},
  },
  ozaki2022: {
    help: "The baseline of Ozaki's study of 158 face icons (preprint, 2022): 128 px, TF32, at most 12 hours",
    published: true,
    model: 'diffusion',
    stated: { size: 128, seed: 3407, flip: true, precision: 'tf32', dim: 64, dimMults: [1, 2, 4, 8], maxTime: '12h' },
    // It names neither version nor batch, steps, T, learning rate: those of the package in the month of its game data.
    chosen: { ...lucidrains2022, ...same },
  },
  'lucidrains-0.26': {
    help: 'The defaults of denoising-diffusion-pytorch 0.26.4, with the network and size of its README',
    published: true,
    model: 'diffusion',
    stated: { ...lucidrains2022, dim: 64, size: 128 },
    chosen: same,
  },
  'lucidrains-2.3': {
    help: 'The defaults of denoising-diffusion-pytorch 2.3.4, with the network and size of its README',
    published: true,
    model: 'diffusion',
    stated: { ...lucidrains2023, dim: 64, size: 128 },
    chosen: same,
  },
  'dcgan-pytorch': {
    help: 'The DCGAN example of PyTorch with its default arguments; it stops after 25 epochs, here after maxImages',
    published: true,
    model: 'dcgan',
    stated: {
      ...adversarial,
      variant: 'pytorch',
      size: 64,
      batch: 64,
      weightDecay: 0,
      flip: false,
      fit: 'cover',
      crop: 'centre',
      loaderWorkers: 2,
      previews: 64,
    },
    chosen: same,
  },
  'dcgan-chainer96': {
    help: 'chainer-DCGAN of mattya: 96 px, 10,000 epochs of 200,000 pictures',
    published: true,
    model: 'dcgan',
    stated: {
      ...adversarial,
      variant: 'chainer',
      size: 96,
      batch: 100,
      weightDecay: 1e-5,
      flip: true,
      precision: 'fp32',
      maxImages: 10_000 * 200_000,
      checkpointImages: 50_000,
      previews: 100,
    },
    chosen: same,
  },
} as const satisfies Record<string, Recipe>

export type RecipeName = keyof typeof recipes

/** Every option that a recipe sets, its model included. */
export function recipeDefaults(name: RecipeName): Readonly<Record<string, unknown>> {
  const { model, stated, chosen }: Recipe = recipes[name]
  return { ...chosen, ...stated, model }
}

/** Whether a recipe repeats a published run. */
export const isPublished = (name: RecipeName): boolean => recipes[name].published

/** Who decided an option: the caller, the source of the recipe, or we, because the source leaves it open. */
export type OptionOrigin = 'given' | 'stated' | 'chosen'

/** Who decided each of `options`, which were resolved from `given`. */
export function optionOrigins(
  name: RecipeName,
  options: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, OptionOrigin> {
  const { stated }: Recipe = recipes[name]
  const of = (option: string): OptionOrigin => {
    if (given[option] !== undefined) return 'given'
    return option === 'model' || option in stated ? 'stated' : 'chosen'
  }
  return Object.fromEntries(Object.keys(options).map((option) => [option, of(option)]))
}
