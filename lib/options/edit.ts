/** Options of editing pictures with a diffusion model: `model.like()`, `model.fill()` and `model.invert()`. */
import { z } from 'zod'
import { type Given, option } from './option-spec.ts'
import { count, rate } from './values.ts'

export const likeSpecs = {
  strength: option(
    rate(0.01, 1),
    'How far from the picture: the angle of the noise that it begins with, as a share of a right angle. 0.3 keeps shapes, 0.6 keeps colours and places, 1 keeps nothing.',
    { default: 0.5 },
  ),
} as const

export const fillSpecs = {
  jumpLength: option(
    count(1, 1000),
    'After so many steps the filling goes back as many and does them again, so that it grows together with what is kept.',
    { default: 5 },
  ),
  resamplings: option(count(1, 100), 'How often each of these stretches is done in all; 1 for once.', { default: 5 }),
} as const

/** Denoising steps of filling, where none are given. */
export const FILL_STEPS = 50

/** Passes of the network that filling takes for each picture. */
export function fillPasses(steps: number, jumpLength: number, resamplings: number): number {
  const jumps = Math.ceil(steps / jumpLength) - 1
  return steps + Math.max(0, jumps) * (resamplings - 1) * jumpLength
}

export const invertSpecs = {
  steps: option(count(1, 10000), 'Steps from the picture to noise.', { default: 50 }),
  iterations: option(count(1, 100), 'Passes of the network for each step: more lead closer back to the picture.', {
    default: 3,
  }),
} as const

export type LikeOptions = Given<typeof likeSpecs>
export type FillOptions = Given<typeof fillSpecs>
export type InvertOptions = Given<typeof invertSpecs> & { weights?: z.input<typeof weights> | undefined }

const weights = z.enum(['auto', 'ema', 'raw'])
