/** `study()`: trains each method on the same pictures for the same time, evaluates all of them alike, and writes the tables. */
import type { Study, StudyCall } from './result.ts'

/**
 * Compares methods on the pictures of `data`. Methods that a study in the same folder has finished are not run again.
 * Rejects as `train()` and `evaluate()` do, and with RESUME_MISMATCH where `out` holds a study of other options.
 */
export async function study(data: string | readonly string[], call: StudyCall = {}): Promise<Study> {
  const { runStudy } = await import('./run-study.ts')
  return runStudy(data, call)
}
