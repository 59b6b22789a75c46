/** `shinsaku export`: a run's weights for PyTorch programs, or its network as ONNX. */
import { type Problem, throwIfAny } from '../errors.ts'
import type { ExportOptions, OnnxOptions } from '../index.ts'
import { toFlag } from '../options/option-spec.ts'
import { exportGroups, type Group, onnxGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatBytes, formatPath } from './format.ts'
import type { Io } from './io.ts'

type Values = Readonly<Record<string, unknown>>

const weightsText = (weights: 'ema' | 'raw') => (weights === 'ema' ? 'averaged weights' : 'latest weights')

/** Throws OPTION_INVALID for options of the other form. */
function refuseOthers(flags: Values, others: readonly Group[], own: readonly Group[], message: string): void {
  const names = Object.keys(valuesOf(others, flags)).filter((name) => !own.some(({ specs }) => name in specs))
  throwIfAny(names.map((name): Problem => ({ path: `--${toFlag(name)}`, message })))
}

/** Writes the file; prints its path. */
export async function exportCommand(run: string, flags: Values, json: boolean, io: Io): Promise<void> {
  await (flags.onnx === true ? exportNetwork : exportTensors)(run, flags, json, io)
}

async function exportTensors(run: string, flags: Values, json: boolean, { stdout, stderr }: Io): Promise<void> {
  refuseOthers(flags, onnxGroups(), exportGroups(), 'belongs to ONNX files; add --onnx')
  const { exportWeights } = await import('../index.ts')
  const path = (flags.out as string | undefined) ?? 'model.safetensors'
  const exported = await exportWeights(run, path, valuesOf(exportGroups(), flags) as ExportOptions)
  stdout.write(json ? `${JSON.stringify(exported)}\n` : `${exported.path}\n`)
  stderr.write(`Wrote ${exported.tensors} tensors, ${weightsText(exported.weights)}.\n`)
}

async function exportNetwork(run: string, flags: Values, json: boolean, { stdout, stderr }: Io): Promise<void> {
  refuseOthers(flags, exportGroups(), onnxGroups(), 'does not go with --onnx, which takes what samples')
  const { exportOnnx } = await import('../index.ts')
  const path = (flags.out as string | undefined) ?? 'model.onnx'
  const exported = await exportOnnx(run, path, valuesOf(onnxGroups(), flags) as OnnxOptions)
  stdout.write(json ? `${JSON.stringify(exported)}\n` : `${formatPath(exported.path)}\n`)
  const steps = exported.steps.join(', ')
  stderr.write(`Wrote ${formatBytes(exported.bytes)}, ${weightsText(exported.weights)}; steps: ${steps}.\n`)
}
