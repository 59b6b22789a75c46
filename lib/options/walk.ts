/** Options of `model.walk()`, and the pictures that they mean: each lies on the way from one seed to another. */
import { z } from 'zod'
import { type Problem, ShinsakuError, throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import { type Given, option } from './option-spec.ts'
import { requireGenerator, resolveOnly, resolveSample, sampleSpecsOf } from './resolve.ts'
import type { ResolvedSampleOptions, ResolvedTrainOptions, SampleOptions } from './types.ts'
import { count, seed } from './values.ts'

export const walkSpecs = {
  seeds: option(z.array(seed).min(2).max(1000), 'Seeds to walk through, two or more.', { default: [0, 1, 2, 3] }),
  steps: option(count(1, 10_000), 'Pictures from each seed to the next.', { default: 20 }),
  loop: option(z.boolean(), 'Walk back to the first seed at the end, so that the animation repeats without a cut.', {
    default: false,
  }),
  denoisingSteps: option(
    count(1, 10_000).nullable(),
    'Diffusion only: denoising steps of each picture, which sampling calls steps; as many as sample takes unless given.',
    { default: null },
  ),
} as const

/** What `model.sample()` takes and a walk does not, since its pictures follow from its own seeds. */
const notTaken = ['seed', 'count'] as const

type SamplingOf<T> = T extends unknown ? Omit<T, 'seed' | 'seeds' | 'count' | 'steps'> : never

/** Options of `model.walk()`, as given: its own, and those of `model.sample()` for the kind of model at hand. */
export type WalkOptions = Given<typeof walkSpecs> & SamplingOf<SampleOptions>

/** Pictures of a walk, one entry of each list a picture: at `mix`, 0 to below 1, of the way from `seeds` to `toSeeds`. */
export type WalkPath = {
  readonly seeds: readonly number[]
  readonly toSeeds: readonly number[]
  readonly mix: readonly number[]
}

/** A sampling whose pictures are those of a walk, and what was asked for. */
export type ResolvedWalk = {
  readonly options: ResolvedSampleOptions
  readonly path: WalkPath
  /** What the metadata of an animation says of it. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
}

const MAX_PICTURES = 1_000_000

function pathOf(seeds: readonly number[], steps: number, loop: boolean): WalkPath {
  const stops = loop ? [...seeds, seeds[0]!] : seeds
  const legs = stops.slice(1).map((toSeed, i) => ({ seed: stops[i]!, toSeed }))
  const frames = legs.flatMap((leg) => Array.from({ length: steps }, (_, i) => ({ ...leg, mix: i / steps })))
  // A walk that does not come back ends on its last seed.
  const last = stops.at(-1)!
  const all = loop ? frames : [...frames, { seed: last, toSeed: last, mix: 0 }]
  return {
    seeds: all.map((frame) => frame.seed),
    toSeeds: all.map((frame) => frame.toSeed),
    mix: all.map((frame) => frame.mix),
  }
}

/** Sampling knows denoising steps as `steps`; a walk's own are something else. */
const asGiven = ({ path, message }: Problem): Problem => ({ path: path === 'steps' ? 'denoisingSteps' : path, message })

/** Complete options of a walk through a model trained with `train`. Throws OPTION_INVALID with every problem in it. */
export function resolveWalk(given: WalkOptions, train: ResolvedTrainOptions): ResolvedWalk {
  requireGenerator(train, 'a walk')
  const entries = Object.entries(given ?? {})
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(walkSpecs, name)
  const problems: Problem[] = notTaken
    .filter((name) => (given as Record<string, unknown> | undefined)?.[name] !== undefined)
    .map((name) => ({
      path: name,
      message: 'is not an option of a walk; name the seeds in seeds, and steps between them',
    }))
  const own = resolveOnly(walkSpecs, Object.fromEntries(entries.filter(isOwn)), problems)
  const { seeds, steps, loop, denoisingSteps } = own
  const pictures = (loop ? seeds.length : seeds.length - 1) * steps + (loop ? 0 : 1)
  if (pictures > MAX_PICTURES)
    throwIfAny([{ path: 'steps', message: `must give at most ${MAX_PICTURES} pictures in all, but gives ${pictures}` }])
  if (denoisingSteps !== null && !Object.hasOwn(sampleSpecsOf(train.model), 'steps'))
    throwIfAny([
      { path: 'denoisingSteps', message: `applies to model "diffusion" only, but model is "${train.model}"` },
    ])
  const path = pathOf(seeds, steps, loop)
  const rest = Object.fromEntries(entries.filter((entry) => !isOwn(entry)))
  const sampling = { ...rest, seeds: path.seeds, ...(denoisingSteps !== null && { steps: denoisingSteps }) }
  const options = withOwnNames(() => resolveSample(sampling as SampleOptions, train))
  throwIfAny(definitionOf(train.model).checkWalk(options))
  return { options, path, settings: { walk: seeds.join(' '), walkSteps: steps, loop } }
}

function withOwnNames<T>(resolve: () => T): T {
  try {
    return resolve()
  } catch (error) {
    const problems = error instanceof ShinsakuError ? error.details.problems : undefined
    if (Array.isArray(problems)) throwIfAny((problems as Problem[]).map(asGiven))
    throw error
  }
}
