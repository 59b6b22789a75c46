/** The generator of a GAN as exportWeights() wrote it, whose form is that of the options beside it. */
import type { Found, Parts, Purpose } from './parts.ts'
import { unsupported } from './state.ts'

type Options = Readonly<Record<string, unknown>>

/** Whether options are those of a GAN whose files have no form that other programs know. */
export const isOwnGenerator = ({ model, variant, labels }: Options): boolean =>
  model === 'stylegan2' || (model === 'dcgan' && (variant !== 'pytorch' || (labels ?? null) !== null))

/** Throws IMPORT_UNSUPPORTED where it is to be trained on. */
export function findExportedGenerator({ path, states }: Parts, { model, variant }: Options, purpose: Purpose): Found {
  if (purpose === 'train')
    throw unsupported(
      path,
      `holds the generator alone of a model of kind "${model}", variant ${JSON.stringify(variant)}: it can be sampled, not trained on`,
    )
  const tensors = [...states.get('')!].map(([name, stored]) => ({ ...stored, name: `generator.${name}` }))
  return { facts: { model: model as string, emaDecay: null }, settings: {}, notes: [], updates: 0, tensors }
}
