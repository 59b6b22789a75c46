/** Pictures that a model turns into others: what a call gives, as the network takes it. */
import { throwIfAny } from '../errors.ts'
import {
  askFor,
  type Condition,
  conditionNames,
  conditionOf,
  conditionShape,
  conditions,
} from '../options/condition.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { SampleCall } from './call.ts'
import { type Editable, keptOf } from './edit.ts'
import { type GivenPicture, pixelsOf } from './given-picture.ts'
import type { Sampling } from './sampling.ts'

/** What `sample()` of a model with a condition takes beside its options. */
export type ConditionCall = {
  /** The picture that is turned into one of the set: a file, or pixels of the condition's own shape. */
  input?: GivenPicture | undefined
  /** For the condition "mask": what is white is filled. */
  mask?: GivenPicture | undefined
}

/** Throws OPTION_INVALID where the model does not have the condition that a call is for. */
function requireCondition(wanted: Condition | undefined, options: ResolvedTrainOptions): Condition {
  const condition = conditionOf(options)
  if (condition !== null && (wanted ?? condition) === condition) return condition
  if (condition !== null) throwIfAny([{ path: 'condition', message: askFor(condition) }])
  const needed = wanted === undefined ? `one of ${conditionNames.join(', ')}` : `"${wanted}"`
  const asked = wanted === undefined ? 'input' : conditions[wanted].name
  throwIfAny([
    {
      path: 'condition',
      message: `${asked} needs a model that was trained with condition ${needed}, but this one makes pictures of noise; like() and fill() change a picture with it`,
    },
  ])
  return wanted as Condition
}

/** Begins pictures of a picture; the caller closes it. `wanted` is the condition that the call is named after. */
export async function openCondition(
  model: Editable,
  wanted: Condition | undefined,
  { input, mask }: ConditionCall,
  call: SampleCall,
  from: string | undefined,
): Promise<Sampling> {
  const { options } = model
  const condition = requireCondition(wanted, options)
  if (condition !== 'mask' && mask !== undefined)
    throwIfAny([{ path: 'mask', message: `is for the condition "mask", but this model has "${condition}"` }])
  if (condition === 'mask' && mask === undefined)
    throwIfAny([{ path: 'mask', message: 'must be given: what is white in it is filled' }])
  const { conditionScale = 1 } = options as { conditionScale?: number }
  const own = conditionShape(condition, { ...options, conditionScale })
  const pixels = await pixelsOf(input as GivenPicture, { ...options, ...own }, from, 'input')
  const keep = mask === undefined ? {} : { keep: await keptOf(mask, options, from) }
  return model.open(call, { input: { pixels, ...own }, ...keep, args: {} })
}
