/** How many weights a model trains, as descriptions say it. */
import { definitionOf, type ModelName } from '../models/table.ts'
import type { Description } from './addon.ts'

/** Of all layers together; of a kind that names its networks, those of each. */
export type ParameterCount = number | Readonly<Record<string, number>>

export function parameterCount(
  model: ModelName,
  { layers, parameters }: Pick<Description, 'layers' | 'parameters'>,
): ParameterCount {
  const [first, ...others] = definitionOf(model).networks
  if (first === undefined) return parameters
  const of = (network: string) =>
    layers.filter(({ name }) => name.startsWith(`${network}.`)).reduce((sum, layer) => sum + layer.parameters, 0)
  const counted = Object.fromEntries(others.map((network) => [network, of(network)]))
  // Some weights are in no layer, such as the constant that StyleGAN2's generator begins with.
  const rest = Object.values(counted).reduce((left, count) => left - count, parameters)
  return { [first]: rest, ...counted }
}
