/** How many CPUs this process may use: its affinity, and the quota of the container it runs in. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** "max 100000" or "150000 100000" of cgroup v2, or two files of v1; undefined where there is no limit. */
function share(quota: string | undefined, period: string | undefined): number | undefined {
  const [most, per] = [Number(quota), Number(period)]
  return most > 0 && per > 0 ? most / per : undefined
}

function limitOf(folder: string, version: 1 | 2): number | undefined {
  if (version === 2) {
    const [quota, period] = read(join(folder, 'cpu.max'))?.split(' ') ?? []
    return share(quota, period)
  }
  return share(read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us')))
}

/** The folder and all above it up to `top`: each may limit what is below. */
function* upTo(top: string, path: string): Generator<string> {
  const parts = path.split('/').filter((part) => part !== '')
  // In a container the path may be the host's, which is not there: its parents lead to the mount itself.
  for (let length = parts.length; length >= 0; length--) yield join(top, ...parts.slice(0, length))
}

/** CPUs that control groups allow, maybe a fraction; Infinity where they set no limit. `root` is "/" but in tests. */
export function cpuQuota(root = '/'): number {
  const limits: number[] = []
  // Lines such as "4:cpu,cpuacct:/docker/0123" (version 1) and "0::/user.slice" (version 2).
  for (const line of read(join(root, 'proc/self/cgroup'))?.split('\n') ?? []) {
    const [, controllers = '', path = ''] = line.split(':')
    const version = controllers === '' ? 2 : 1
    if (version === 1 && !controllers.split(',').includes('cpu')) continue
    const tops = version === 2 ? ['', 'unified'] : [controllers, 'cpu']
    for (const top of tops)
      for (const folder of upTo(join(root, 'sys/fs/cgroup', top), path))
        limits.push(limitOf(folder, version) ?? Number.POSITIVE_INFINITY)
  }
  return Math.min(...limits, Number.POSITIVE_INFINITY)
}

/** CPUs that this process may keep busy, at least 1. What a quota allows beyond whole CPUs is left to other threads. */
export function usableCpus(root = '/'): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota(root))))
}

/** The number of threads that an option `threads` means. */
export const threadsFor = (asked: number): number => asked || usableCpus()
