/** `exportOnnx()`: a run's network and its sampler as one ONNX file, for programs without libtorch. */
import type { Problem } from '../errors.ts'
import type { OnnxOptions } from '../options/onnx.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'

export type ExportedOnnx = {
  path: string
  weights: 'ema' | 'raw'
  parameters: number
  bytes: number
  /** Numbers of steps that it can be sampled in, the usual one first; [1] where one pass gives the picture. */
  steps: number[]
}

const problemsOf = (path: unknown): Problem[] =>
  typeof path === 'string' && path.endsWith('.onnx')
    ? []
    : [{ path: 'path', message: `must end in .onnx, but is ${JSON.stringify(path)}` }]

/**
 * Writes the network of a run's newest complete checkpoint (or of the checkpoint folder given) to `path`, which is
 * replaced once all is written. Its metadata hold the sampler, the options it was trained with and where it comes from.
 * Rejects with OPTION_INVALID, ONNX_UNSUPPORTED, RUN_NOT_FOUND, RUN_INVALID, CHECKPOINT_INVALID, CHECKPOINT_MISMATCH,
 * DISK_FULL, FILE_FAILED.
 */
export async function exportOnnx(run: string, path: string, options: OnnxOptions = {}): Promise<ExportedOnnx> {
  const from = workingFolder()
  const { resolveOnnx } = await import('../options/onnx.ts')
  const resolved = resolveOnnx(options, problemsOf(path))
  const [{ makeOnnx }, { writeDurable }] = await Promise.all([import('./make.ts'), import('../files/write.ts')])
  const made = await makeOnnx(absolutePath(run, from), resolved)
  try {
    await writeDurable(absolutePath(path, from), made.chunks())
    const { weights, parameters, bytes, description } = made
    const steps = description.plans.map((plan) => plan.steps.length)
    return { path, weights, parameters, bytes, steps: steps.length === 0 ? [1] : steps }
  } finally {
    await made.close()
  }
}
