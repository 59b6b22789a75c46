/** What GANs that learn labels have in common. */
import { option } from '../options/option-spec.ts'
import { rate } from '../options/values.ts'

/** Every variant has GAN_LABEL_DROPOUT as its default. */
export const labelDropout = option(
  rate(0.01, 0.9),
  'Of a GAN real and generated pictures alike, so that a sample may be asked for without labels.',
)
export const GAN_LABEL_DROPOUT = 0.1
