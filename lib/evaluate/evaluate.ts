/** `evaluate()` and `compare()`, which bring in what they need when they are called and no sooner. */
import { throwIfAny } from '../errors.ts'
import { absolutePath, withAbsolutePaths, workingFolder } from '../options/paths.ts'
import type { CompareCall, Comparison, EvaluateCall, Evaluation } from './calls.ts'

export type { CompareCall, Comparison, EvaluateCall, Evaluation }

function requirePath(name: string, path: unknown): void {
  if (typeof path === 'string' && path !== '') return
  throwIfAny([{ path: name, message: `expected a path, but got ${JSON.stringify(path)}` }])
}

/**
 * Samples with a run's newest complete checkpoint (or the one that `at` chooses, or the folder given), measures how good the pictures are
 * and how new, and writes a report into the run. Pictures that an evaluation before has sampled are not sampled again.
 * Takes options of `model.sample()` too. Rejects as `load()` and `train()` do for the run and its pictures, and with
 * RESUME_MISMATCH where those are not the ones it was trained on, EXTRACTOR_MISSING, EXTRACTOR_INVALID,
 * STATISTICS_INVALID, ABORT_ERR.
 */
export async function evaluate(run: string, options: EvaluateCall = {}): Promise<Evaluation> {
  requirePath('run', run)
  const from = workingFolder()
  const [given, anchored] = [absolutePath(run, from), withAbsolutePaths(options, from)]
  const { evaluateRun } = await import('./evaluate-run.ts')
  return evaluateRun(given, anchored)
}

/**
 * Measures the pictures of one folder against those of another, `reference`. Both may be whatever `data` of `train()`
 * may be. Rejects as reading data does, and with EXTRACTOR_MISSING, EXTRACTOR_INVALID,
 * STATISTICS_INVALID, ABORT_ERR.
 */
export async function compare(
  reference: string | readonly string[],
  pictures: string | readonly string[],
  options: CompareCall = {},
): Promise<Comparison> {
  if (!Array.isArray(reference)) requirePath('reference', reference)
  if (!Array.isArray(pictures)) requirePath('pictures', pictures)
  const from = workingFolder()
  const sets = [reference, pictures].map((data) => withAbsolutePaths({ data }, from).data)
  const anchored = withAbsolutePaths(options, from)
  const { compareSets } = await import('./compare-sets.ts')
  return compareSets(sets[0]!, sets[1]!, anchored)
}
