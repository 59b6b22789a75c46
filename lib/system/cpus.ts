/** How many CPUs this process may use: its affinity, and the quota of the container it runs in. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type ControlGroup, controlGroups, readLimit } from './cgroup.ts'

/** "max 100000" or "150000 100000" of cgroup v2, or two files of v1; Infinity where there is no limit. */
function share(quota: string | undefined, period: string | undefined): number {
  const [most, per] = [Number(quota), Number(period)]
  return most > 0 && per > 0 ? most / per : Number.POSITIVE_INFINITY
}

function limitOf({ folder, version }: ControlGroup): number {
  if (version === 2) {
    const [quota, period] = readLimit(join(folder, 'cpu.max'))?.split(' ') ?? []
    return share(quota, period)
  }
  return share(readLimit(join(folder, 'cpu.cfs_quota_us')), readLimit(join(folder, 'cpu.cfs_period_us')))
}

/** CPUs that control groups allow, maybe a fraction; Infinity where they set no limit. `root` is "/" but in tests. */
export function cpuQuota(root = '/'): number {
  return Math.min(...[...controlGroups('cpu', root)].map(limitOf), Number.POSITIVE_INFINITY)
}

/** CPUs that this process may keep busy, at least 1. What a quota allows beyond whole CPUs is left to other threads. */
export function usableCpus(root = '/'): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota(root))))
}

/** The number of threads that an option `threads` means. */
export const threadsFor = (asked: number): number => asked || usableCpus()
