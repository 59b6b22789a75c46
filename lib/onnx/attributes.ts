/** Attributes of a recorded operation, as what they must be. */
import type { GraphNode } from '../native/addon.ts'

export const numberOf = ({ operation, attributes }: GraphNode, name: string): number => {
  const value = attributes[name]
  if (typeof value !== 'number') throw new TypeError(`${operation} has no number "${name}"`)
  return value
}

export const numbersOf = ({ operation, attributes }: GraphNode, name: string): readonly number[] => {
  const value = attributes[name]
  if (!Array.isArray(value)) throw new TypeError(`${operation} has no list "${name}"`)
  return value as readonly number[]
}
