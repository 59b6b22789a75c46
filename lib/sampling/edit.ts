/** Editing pictures with a diffusion model that knows nothing of editing: variations, filling, and the way back to noise. */
import { throwIfAny } from '../errors.ts'
import {
  FILL_STEPS,
  type FillOptions,
  fillSpecs,
  type InvertOptions,
  invertSpecs,
  type LikeOptions,
  likeSpecs,
} from '../options/edit.ts'
import { resolveOnly } from '../options/resolve.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { SampleCall } from './call.ts'
import type { Edit } from './edit-inputs.ts'
import { type GivenPicture, pixelsOf } from './given-picture.ts'
import type { Sampling } from './sampling.ts'

/** What editing needs of a model. */
export type Editable = {
  readonly options: ResolvedTrainOptions
  open(call: SampleCall, edit: Edit): Promise<Sampling>
}

function requireDiffusion({ model, distilSteps }: ResolvedTrainOptions): void {
  if (model === 'diffusion' && distilSteps !== null)
    throwIfAny([
      {
        path: 'model',
        message: `editing needs a model of any number of steps, but this one was distilled to ${distilSteps}: use its teacher`,
      },
    ])
  if (model === 'diffusion') return
  throwIfAny([
    { path: 'model', message: `editing needs a model of kind "diffusion", but this one is of kind "${model}"` },
  ])
}

/** From a mask, where white is filled and black stays, to what is kept. Throws OPTION_INVALID where it marks nothing, or all. */
export async function keptOf(
  mask: GivenPicture,
  options: ResolvedTrainOptions,
  from: string | undefined,
): Promise<Uint8Array> {
  const shape = { ...options, channels: 1 as const, background: '#000000' }
  const kept = (await pixelsOf(mask, shape, from, 'mask')).map((value) => (value < 128 ? 1 : 0))
  const count = kept.reduce((sum, value) => sum + value, 0)
  if (count === kept.length)
    throwIfAny([{ path: 'mask', message: 'marks nothing to fill: white is filled, black stays' }])
  if (count === 0)
    throwIfAny([{ path: 'mask', message: 'marks all of the picture: nothing would be kept; use sample() for that' }])
  return kept
}

/** The options of `specs` among those given, complete, and the rest. */
function split<T extends object>(given: T, names: readonly string[]): [Record<string, unknown>, SampleCall] {
  const isOwn = ([name]: [string, unknown]) => names.includes(name)
  const entries = Object.entries(given)
  return [
    Object.fromEntries(entries.filter(isOwn)),
    Object.fromEntries(entries.filter((one) => !isOwn(one))) as SampleCall,
  ]
}

/** Begins variations of a picture; the caller closes it. */
export async function openLike(
  model: Editable,
  given: GivenPicture,
  options: LikeOptions & SampleCall,
  from: string | undefined,
): Promise<Sampling> {
  requireDiffusion(model.options)
  const [own, call] = split(options, Object.keys(likeSpecs))
  const { strength } = resolveOnly(likeSpecs, own)
  return model.open(call, { picture: await pixelsOf(given, model.options, from, 'picture'), args: { strength } })
}

/** Begins to fill a part of a picture; the caller closes it. */
export async function openFill(
  model: Editable,
  given: GivenPicture,
  mask: GivenPicture,
  options: FillOptions & SampleCall,
  from: string | undefined,
): Promise<Sampling> {
  requireDiffusion(model.options)
  const [own, call] = split(options, Object.keys(fillSpecs))
  const { jumpLength, resamplings } = resolveOnly(fillSpecs, own)
  const { sampler, steps, eta = 1 } = call
  if (sampler !== undefined && sampler !== 'ddim')
    throwIfAny([{ path: 'sampler', message: `must be "ddim" to fill, which goes back and forth, but is "${sampler}"` }])
  const picture = await pixelsOf(given, model.options, from, 'picture')
  const keep = await keptOf(mask, model.options, from)
  const timesteps = model.options.model === 'diffusion' ? model.options.timesteps : 0
  const filling = { sampler: 'ddim' as const, eta, steps: steps ?? Math.min(FILL_STEPS, timesteps) }
  return model.open({ ...call, ...filling } as SampleCall, { picture, keep, args: { jumpLength, resamplings } })
}

/** The noise from which DDIM without noise of its own leads to a picture: float32 [channels, size, size]. */
export async function invert(
  model: Editable,
  given: GivenPicture,
  { steps, iterations, ...rest }: InvertOptions & Pick<SampleCall, 'signal' | 'onProgress'>,
  from: string | undefined,
): Promise<Float32Array> {
  requireDiffusion(model.options)
  const own = resolveOnly(invertSpecs, { steps, iterations })
  const picture = await pixelsOf(given, model.options, from, 'picture')
  const call = { ...rest, sampler: 'ddim', eta: 0, steps: own.steps } as SampleCall
  const sampling = await model.open(call, { picture, args: { iterations: own.iterations } })
  try {
    return await sampling.values()
  } finally {
    sampling.close()
  }
}
