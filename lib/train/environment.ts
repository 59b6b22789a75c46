/** What a run was started with: versions, processor, device, precision. Holds no path and no host name. */
import { cpus, release } from 'node:os'
import type { Placement } from '../backend/placement.ts'
import type { Loaded } from '../native/load.ts'
import { version } from '../system/version.ts'

/** The content of environment.json. */
export async function environment(
  { addon, libtorch, cudaProblem, cudaName }: Loaded,
  placement: Placement,
  processes: number,
) {
  const { cpuCapability, numerics } = await addon.info()
  return {
    shinsaku: version,
    node: process.versions.node,
    system: `${process.platform}-${process.arch} ${release()}`,
    libtorch: `${libtorch.version}-${libtorch.flavour}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cpuCapability,
    ...placement,
    processes,
    numerics,
    gpu: cudaProblem === null ? cudaName : `none: ${cudaProblem}`,
  }
}
