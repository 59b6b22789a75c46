/** Complete options of `evaluate()` and `compare()`. */
import { compareSpecs, evaluateSpecs, type ResolvedCompareOptions, type ResolvedEvaluateOptions } from './evaluate.ts'
import type { Given } from './option-spec.ts'
import { resolveOnly } from './resolve.ts'
import type { SampleOptions } from './types.ts'

/** Options of `evaluate()`, as given: its own, and those of `model.sample()` for the kind of model at hand. */
export type EvaluateOptions = Given<typeof evaluateSpecs> & Omit<SampleOptions, 'seeds'>
/** Options of `compare()`, as given. */
export type CompareOptions = Given<typeof compareSpecs>

/**
 * `sample` is what is left for sampling, which is checked where the model is known. Throws OPTION_INVALID with every
 * problem in it.
 */
export function resolveEvaluate(given: EvaluateOptions): ResolvedEvaluateOptions & { sample: SampleOptions } {
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(evaluateSpecs, name)
  const entries = Object.entries(given ?? {})
  const own = resolveOnly(evaluateSpecs, Object.fromEntries(entries.filter(isOwn)))
  const { count, seed, batch } = own
  const rest = Object.fromEntries(entries.filter((entry) => !isOwn(entry)))
  return { ...own, sample: { ...rest, count, seed, batch } }
}

export const resolveCompare = (given: CompareOptions): ResolvedCompareOptions => resolveOnly(compareSpecs, given)
