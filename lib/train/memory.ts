/** What training takes of memory, estimated before it starts. */
import type { Placement } from '../backend/placement.ts'
import { definitionOf } from '../models/table.ts'
import type { Description } from '../native/addon.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'

const FLOAT = 4

/** Node, libtorch's code and its threads, before there is a network; measured with 2 threads. */
const PROGRAM_BYTES = 250e6

/** How many tensors of a network's size there are of each kind. */
const copiesOf = ({ emaDecay }: ResolvedTrainOptions) => ({
  weights: 1,
  gradients: 1,
  adam: 2,
  ema: emaDecay === null ? 0 : 1,
})

/** What an update takes at its peak beside the walk's `activationBytes`. GPUs were not measured. */
function peakOf({ device, ops }: Placement, { model }: ResolvedTrainOptions): number {
  if (device !== 'cpu') return 1
  const { own, reference } = definitionOf(model).peakOfKept
  return ops === 'reference' ? reference : own
}

/** Bytes of a network that trains: `state` all the time, `checkpoint` of it in files, `activation` at the peak of an update. */
export function trainingMemory(
  options: ResolvedTrainOptions,
  placement: Placement,
  { parameters, activationBytes }: Pick<Description, 'parameters' | 'activationBytes'>,
  pictures: number,
) {
  const { weights, gradients, adam, ema } = copiesOf(options)
  return {
    program: PROGRAM_BYTES,
    state: parameters * FLOAT * (weights + gradients + adam + ema),
    checkpoint: parameters * FLOAT * (weights + adam + ema),
    activation: activationBytes * Math.min(options.batch, pictures) * peakOf(placement, options),
  }
}
