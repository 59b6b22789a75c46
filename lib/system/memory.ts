/** How much memory this process may use: the machine's, or less where its container says so. */
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { type ControlGroup, controlGroups, readLimit } from './cgroup.ts'

function limitOf({ folder, version }: ControlGroup): number {
  const limit = readLimit(join(folder, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'))
  // "max" is no number, and neither is a file that is missing.
  return Number(limit) > 0 ? Number(limit) : Number.POSITIVE_INFINITY
}

/** Bytes. `root` is "/" but in tests. */
export function usableMemory(root = '/'): number {
  return Math.min(totalmem(), ...[...controlGroups('memory', root)].map(limitOf))
}
