/** Computes a native measure to its end, unit by unit, so that it can be stopped and watched. */
import { abortError } from '../errors.ts'
import type { NativeMeasure } from '../native/evaluate.ts'

export type FinishOptions = {
  signal?: AbortSignal | undefined
  /** After each unit: the share of the work that is done, 0 to 1. */
  onProgress?: ((share: number) => void) | undefined
}

/**
 * The result of `measure`, which is disposed of in any case. Rejects with ABORT_ERR once `signal` is aborted, between two
 * units.
 */
export async function finishMeasure<Result>(
  measure: NativeMeasure<Result>,
  { signal, onProgress }: FinishOptions = {},
): Promise<Result> {
  try {
    for (let done = false; !done; ) {
      if (signal?.aborted) throw abortError(signal, 'The measure')
      done = await measure.step()
      onProgress?.(await measure.progress())
    }
    return await measure.result()
  } finally {
    measure.dispose()
  }
}
