/** What a run was started with: versions, processor, device, precision. Holds no path and no host name. */
import { cpus, release } from 'node:os'
import type { Placement } from '../backend/placement.ts'
import type { Loaded } from '../native/load.ts'
import { readTrainedOps } from '../run/directory.ts'
import { version } from '../system/version.ts'

/**
 * The placement of a run that goes on. One that was trained with the reference's operations stays with them, unless
 * "exact" may differ: it would no longer be the run of the program that it follows.
 */
export async function placementOnResume(
  run: string,
  allowChanges: readonly string[] | null,
  placement: Placement,
): Promise<{ placement: Placement; note: string | undefined }> {
  // What a GPU computes with is for its self-check to say.
  if (placement.device !== 'cpu') return { placement, note: undefined }
  // An imported run, and one that never began, has no record.
  const before = await readTrainedOps(run).catch(() => placement.ops)
  if (before === placement.ops) return { placement, note: undefined }
  if (before !== 'reference' || allowChanges?.includes('exact'))
    return { placement, note: `Changed: operations that train: ${before} then, ${placement.ops} now` }
  return {
    placement: { ...placement, ops: before },
    note: `This run was trained with the reference's operations and stays with them; to go on with ${placement.ops}, which are faster, allow "exact" to differ.`,
  }
}

/** The content of environment.json. */
export async function environment({ addon, libtorch, cudaProblem, cudaName }: Loaded, placement: Placement) {
  const { cpuCapability, threads, numerics } = await addon.info()
  return {
    shinsaku: version,
    node: process.versions.node,
    system: `${process.platform}-${process.arch} ${release()}`,
    libtorch: `${libtorch.version}-${libtorch.flavour}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cpuCapability,
    threads,
    ...placement,
    numerics,
    gpu: cudaProblem === null ? cudaName : `none: ${cudaProblem}`,
  }
}
