/** What GANs that learn labels have in common. */
import { option } from '../options/option-spec.ts'
import { rate } from '../options/values.ts'

export const labelDropout = option(
  rate(0.01, 0.9),
  'Share of pictures whose labels are hidden while training, real and generated ones alike, so that a sample may be asked for without any.',
  { default: 0.1 },
)
