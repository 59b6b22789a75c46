/** `publish()`: a static site that samples with a run's model in the visitor's browser. */
import { workingFolder } from '../options/paths.ts'
import type { PublishCall, Published } from './published.ts'

export type { PublishCall, Published, PublishPlan } from './published.ts'

/**
 * Writes the site of a run's newest complete checkpoint (or of the checkpoint folder given): a page, the model, the
 * runtime and a model card. The folder `out` is replaced once all is written, where it is a site of an earlier call.
 * Rejects with RIGHTS_UNKNOWN, COPIES_UNCHECKED and COPIES_FOUND where the run should not be published, FILE_EXISTS where
 * `out` is something else, TOOL_MISSING without onnxruntime-web, and as `exportOnnx()` does.
 */
export async function publish(run: string, call: PublishCall = {}): Promise<Published> {
  const from = workingFolder()
  const { publishRun } = await import('./publish-run.ts')
  return publishRun(run, call, from)
}
