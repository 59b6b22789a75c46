/** Resolved options in the flat form that crosses to the addon, with what only the machine decides. */
import type { Spec } from '../native/addon.ts'
import { isLabelSet, labelGroups } from '../options/labels.ts'
import { isTeacher, teacherSpec } from '../options/teacher.ts'
import { threadsFor } from '../system/cpus.ts'

export type Placement = {
  device: 'cpu' | 'cuda:0'
  precision: 'fp32' | 'tf32' | 'bf16'
  /** The ops set that trains: "reference", "cuda", or one of `DeviceInfo.cpuOps`, which compute in fp32. */
  ops: string
  /** Whether each update is recorded once as a CUDA graph and replayed. */
  graph: boolean
  /** The ops set that samples: "reference", or one of `DeviceInfo.cpuOps`, which compute in fp32 whatever trained. */
  samplingOps: string
  /** CPU threads of the work, at least 1. */
  threads: number
}

/** What decides about the placement, of an option set. */
export type Wanted = { precision: 'auto' | Placement['precision']; exact: boolean; threads: number }

/**
 * What "auto" means for options on this device, and the fastest ops sets that may run there. `cpuOps` are the
 * processor's own sets, fastest first.
 */
export function placeOn(
  device: Placement['device'],
  { precision, exact, threads }: Wanted,
  cpuOps: readonly string[],
): Placement {
  const automatic = device === 'cpu' ? 'fp32' : 'tf32'
  const fastest = (device === 'cpu' && !exact ? cpuOps[0] : undefined) ?? 'reference'
  return {
    device,
    precision: precision === 'auto' ? automatic : precision,
    ops: precision === 'bf16' ? 'reference' : fastest,
    graph: false,
    samplingOps: fastest,
    threads: threadsFor(threads),
  }
}

const crosses = (value: unknown): value is Spec[string] =>
  typeof value === 'boolean' ||
  typeof value === 'number' ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((v) => typeof v === 'number'))

/**
 * Leaves out null (none) and whatever has no native form, such as a list of files. Labels cross as the attribute that
 * each number of a picture's row belongs to; a teacher as what its network is.
 */
export function toSpec(options: object, placement?: Placement): Spec {
  const { labels, teacher, ...rest } = options as { labels?: unknown; teacher?: unknown }
  const columns = isLabelSet(labels) ? { labelGroups: labelGroups(labels) } : {}
  const taught = isTeacher(teacher) ? teacherSpec(teacher) : {}
  const flat = Object.entries({ ...rest, ...columns, ...taught, ...placement }).filter(([, value]) => crosses(value))
  return Object.fromEntries(flat) as Spec
}
