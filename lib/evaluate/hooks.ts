/** What every long part of an evaluation is told by its caller, and tells it. */
import { abortError } from '../errors.ts'

export type EvaluationProgress = {
  /** What is being done, such as "sampling". */
  phase: 'sampling' | 'reading' | 'comparing pixels' | 'extracting features' | 'distances'
  done: number
  total: number
}

export type EvaluationHooks = {
  /** Aborting rejects with an AbortError; what was sampled stays, and the next call goes on from there. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: EvaluationProgress) => void) | undefined
}

/** Rejects with ABORT_ERR where the signal has fired. */
export function throwIfAborted({ signal }: EvaluationHooks): void {
  if (signal?.aborted) throw abortError(signal, 'Evaluating')
}
