/** How a diffusion run is laid out that is bound in time; docs/first-picture.md has the measurements behind it. */
import type { TimedLayout } from './model.ts'

const SMALLEST_SIZE = 16
const SMALLEST_DIM = 16

/** With fewer images a network of dim 16 at 16 pixels shows blobs. */
const IMAGES = 3500

const small = { dimMults: [1, 2, 4] }
const large = { dimMults: [1, 2, 4, 8] }

/** A short run learns most from many small updates, a long one from calm ones. */
const lengths = [
  { below: 50_000, options: { batch: 8, lr: 2e-3 } },
  { below: 500_000, options: { batch: 16, lr: 2e-3 } },
  { below: Number.POSITIVE_INFINITY, options: { batch: 32, lr: 1e-3 } },
]

type Network = { readonly size: number; readonly dim: number }

export const timedDiffusion: TimedLayout<Network> = {
  networks: [
    { size: 16, dim: 16, ...small },
    { size: 32, dim: 16, ...small },
    { size: 32, dim: 32, ...small },
    { size: 64, dim: 32, ...large },
    { size: 64, dim: 64, ...large },
    { size: 128, dim: 64, ...large },
  ],
  imagesFor: ({ size, dim }) => IMAGES * (size / SMALLEST_SIZE) * (dim / SMALLEST_DIM) ** 2,
  costOf: ({ size, dim }) => size ** 2 * dim ** 1.5,
  settings: (images) => ({
    ...lengths.find(({ below }) => images < below)!.options,
    lrSchedule: 'cosine',
    warmup: Math.round(images / 10),
    emaEvery: 1,
    emaLength: 0.1,
  }),
}
