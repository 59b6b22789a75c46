/** Types of fuzz-targets.mjs, for tests. */
import type { Target } from './fuzz.mjs'

export function makeTargets(modules: object): Target[]
export const moduleNames: string[]
