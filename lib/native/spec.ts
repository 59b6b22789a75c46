/** Resolved options in the flat form that crosses to the addon, with what only the machine decides. */
import type { Spec } from './addon.ts'

export type Placement = {
  device: 'cpu' | 'cuda:0'
  precision: 'fp32' | 'tf32' | 'bf16'
  /** The ops set that runs the network. */
  ops: 'reference'
}

/** What "auto" means for options on this device. */
export function placeOn(device: Placement['device'], precision: 'auto' | Placement['precision']): Placement {
  const automatic = device === 'cpu' ? 'fp32' : 'tf32'
  return { device, precision: precision === 'auto' ? automatic : precision, ops: 'reference' }
}

const crosses = (value: unknown): value is Spec[string] =>
  typeof value === 'boolean' ||
  typeof value === 'number' ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((v) => typeof v === 'number'))

/** Leaves out null (none) and whatever has no native form, such as a list of files. */
export function toSpec(options: object, placement?: Placement): Spec {
  const flat = Object.entries({ ...options, ...placement }).filter(([, value]) => crosses(value))
  return Object.fromEntries(flat) as Spec
}
