/** `shinsaku doctor --gpu`: tries every backend on the GPU at hand, for small networks of each kind. */

import { resolveDevice } from '../backend/device.ts'
import { placeOn } from '../backend/placement.ts'
import { agrees, runTrials, type Trial } from '../backend/trial.ts'
import { definitionOf } from '../models/table.ts'
import { loadNative } from '../native/load.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions } from '../options/types.ts'

export type GpuCheck = { network: string; precision: string; tried: Trial[] }
export type GpuDiagnosis = {
  gpu: string
  libtorch: string
  /** Why only the reference's operations were tried, or null. */
  pluginProblem: string | null
  /** Whether every way that was tried works and agrees with the reference. */
  ok: boolean
  checks: GpuCheck[]
}

const networks: readonly (readonly [string, AnyTrainOptions])[] = [
  ['U-Net 2.3', { dim: 64, dimMults: [1, 2, 4], size: 64, batch: 8 }],
  ['U-Net 0.26', { variant: '0.26', dim: 64, dimMults: [1, 2, 4], size: 64, batch: 8 }],
  ['DCGAN', { model: 'dcgan', size: 64, batch: 64 }],
]
const precisions = ['fp32', 'tf32', 'bf16'] as const

/** Takes about a minute. Rejects with CUDA_UNAVAILABLE where there is no GPU to try. */
export async function diagnoseGpu(onCheck: (check: GpuCheck) => void = () => {}): Promise<GpuDiagnosis> {
  const device = await resolveDevice('cuda')
  const { addon, cudaName, libtorch, pluginProblem } = await loadNative()
  const checks: GpuCheck[] = []
  for (const [network, given] of networks) {
    for (const precision of precisions) {
      const options = resolveTrain({ ...given, precision })
      // Without the plugin there is the reference alone, which its own failure would tell.
      const canReplay = pluginProblem === null && definitionOf(options.model).canReplay(options)
      const tried = await runTrials(addon, options, placeOn(device, options, []), canReplay)
      checks.push({ network, precision, tried })
      onCheck(checks.at(-1)!)
    }
  }
  const ok = checks.every(({ tried }) => tried.every(agrees))
  return { gpu: cudaName, libtorch: libtorch.version, pluginProblem, ok, checks }
}
