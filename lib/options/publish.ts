/** Options of `publish()`. */
import { z } from 'zod'
import { onnxSpecs } from './onnx.ts'
import { type Given, option, type Resolved } from './option-spec.ts'
import { resolveOnly } from './resolve.ts'
import { serveSpecs } from './serve.ts'
import { rate } from './values.ts'

const text = (most: number) => z.string().trim().min(1).max(most).nullable()

export const publishSpecs = {
  out: option(z.string().min(1), 'Folder of the site; a site that publish() wrote there before is replaced.', {
    default: 'site',
    short: 'o',
    placeholder: 'FOLDER',
  }),
  title: option(text(200), 'Heading of the page and of the model card; null for the name of the run.', {
    default: null,
    placeholder: 'TEXT',
  }),
  license: option(text(200), 'Licence of the model itself, as the card states it; null where none is stated.', {
    default: null,
    placeholder: 'TEXT',
  }),
  maxCopyShare: option(
    rate(0, 1),
    'Highest share of samples that may be copies of training pictures, unless held-out pictures show a higher one.',
    { default: 0.05 },
  ),
  allowUnlicensed: option(
    z.boolean(),
    'Publish although pictures have no licence on record, or their makers forbid training.',
    { default: false },
  ),
  allowCopies: option(z.boolean(), 'Publish although copies are above maxCopyShare, or nobody has looked for them.', {
    default: false,
  }),
  mark: serveSpecs.mark,
  markAt: serveSpecs.markAt,
  weights: onnxSpecs.weights,
  precision: onnxSpecs.precision,
  sampler: onnxSpecs.sampler,
  steps: onnxSpecs.steps,
  eta: onnxSpecs.eta,
} as const

export type PublishOptions = Given<typeof publishSpecs>
export type ResolvedPublishOptions = Resolved<typeof publishSpecs>

/** Complete options of `publish()`. Throws OPTION_INVALID with every problem in it. */
export const resolvePublish = (given: PublishOptions): ResolvedPublishOptions => resolveOnly(publishSpecs, given)
