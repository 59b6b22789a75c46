/** Fetches libtorch with the user's own pip into the user's cache: pinned, hash-checked, locked, atomic, resumable. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { abortError, fileError, ShinsakuError } from '../errors.ts'
import { isLock, takeLock } from '../files/lock.ts'
import { type Architecture, requirePlatform } from '../system/platform.ts'
import { fetchPlaces, forgetFailure, recordFailure } from './fetch-state.ts'
import { fetchedRoot, type Libtorch } from './find.ts'
import { diskFull, downloadWheel, type Listeners, requirePip } from './pip.ts'
import { unpack } from './unpack.ts'
import { hasCudaBuild, pinnedWheels, type Wheel, type WheelSet } from './wheels.ts'

export type FetchOptions = Listeners & {
  /** "auto" is "cuda" where an NVIDIA driver is loaded. */
  flavour?: 'auto' | Libtorch['flavour']
  /** The processor that it is for, where it is not this machine's. */
  arch?: Architecture
  /** The wheels to take, where it is not the pinned ones. */
  wheels?: WheelSet
}

/** What lies on the disk at worst: all wheels, one of them twice, and what they hold. */
const neededBytes = { cpu: 3e9, cuda: 12e9 } as const

/** Free bytes for what is fetched into `folder`. Rejects with DISK_FULL where they are too few. */
export async function requireSpace(folder: string, flavour: Libtorch['flavour']): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= neededBytes[flavour]) return bavail * bsize
  const [needed, free] = [neededBytes[flavour], bavail * bsize].map((bytes) => (bytes / 1e9).toFixed(1))
  throw diskFull(`Fetching libtorch needs ${needed} GB in ${folder}, but ${free} GB are free`)
}

/** Runs `work` while no other process fetches this flavour into `folder`; waits for one that does. */
async function alone<T>(folder: string, flavour: string, options: FetchOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onLine } = options
  for (let told = false; ; told = true) {
    const lock = await takeLock(folder, `lock-${flavour}`)
    if (isLock(lock)) return work().finally(() => lock.release())
    if (!told) onLine?.(`waiting for process ${lock.pid}, which is fetching libtorch`)
    // Two that wait must not withdraw in step with each other for ever.
    await delay(100 + 200 * Math.random(), undefined, signal && { signal }).catch(() => {
      throw abortError(signal!, 'Fetching libtorch')
    })
  }
}

// The pip of a process that was killed may still be writing.
const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 })

/** An empty folder for one fetch. What fetches that were killed have left is removed. */
async function makeScratch(parent: string, flavour: Libtorch['flavour']): Promise<string> {
  const prefix = fetchPlaces(parent, flavour).scratch
  for (const name of await readdir(parent)) if (name.startsWith(basename(prefix))) await removeTree(join(parent, name))
  return mkdtemp(prefix)
}

/** What a fetch has settled on. */
type Order = { flavour: Libtorch['flavour']; arch: Architecture; torch: Wheel; wheels: WheelSet }

async function fetchInto(target: string, order: Order, options: FetchOptions): Promise<void> {
  const { flavour, arch, torch, wheels } = order
  const parent = dirname(target)
  const python = await requirePip(options)
  await requireSpace(parent, flavour)
  const { kept } = fetchPlaces(parent, flavour)
  const scratch = await makeScratch(parent, flavour)
  const take = (wheel: Wheel) => downloadWheel(python, wheel, { kept, scratch, arch }, options)
  try {
    const files = [await take(torch)]
    const isCpuBuild = /\+cpu|%2Bcpu/i.test(basename(files[0]!))
    for (const wheel of flavour === 'cuda' ? wheels.cuda : isCpuBuild ? [] : wheels.runtime)
      files.push(await take(wheel))
    const unpacked = join(scratch, 'unpacked')
    await unpack(python, files, unpacked, flavour, options)
    await removeTree(target)
    await rename(unpacked, target)
    // Whole wheels are kept only for a fetch that takes up where this one was cut.
    await removeTree(kept)
  } finally {
    await removeTree(scratch)
  }
}

/** Windows hides the driver from /proc of its Linux, and lends its library instead. */
const driverFiles = ['/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1']

/** Whether an NVIDIA driver is loaded. */
export const hasDriver = (): boolean => driverFiles.some((file) => existsSync(file))

/** The build for GPUs where there is a driver for them, and a build. */
export const autoFlavour = (): Libtorch['flavour'] => (hasDriver() && hasCudaBuild() ? 'cuda' : 'cpu')

/** Throws PLATFORM_UNSUPPORTED where there is no libtorch for this machine, or none of that flavour. */
function orderOf({ flavour = 'auto', arch = requirePlatform(), wheels = pinnedWheels[arch] }: FetchOptions): Order {
  const chosen = flavour === 'auto' ? autoFlavour() : flavour
  const torch = wheels.torch[chosen]
  if (torch) return { flavour: chosen, arch, torch, wheels }
  throw new ShinsakuError('PLATFORM_UNSUPPORTED', `On linux-${arch} shinsaku computes on CPUs only, not with CUDA`, {
    hint: 'Run: npx shinsaku setup --cpu. For a GPU use a linux-x64 machine.',
    details: { platform: 'linux', arch, supported: ['linux-x64-glibc'] },
  })
}

/**
 * Fetches libtorch unless it is in the cache already; resolves with the folder that holds lib and include.
 * Rejects with PLATFORM_UNSUPPORTED, LIBTORCH_FETCH_FAILED (`details.reason`), TOOL_MISSING, DISK_FULL, FILE_FAILED or
 * ABORT_ERR.
 */
export async function fetchLibtorch(options: FetchOptions = {}): Promise<string> {
  const order = orderOf(options)
  const { flavour, arch } = order
  const root = fetchedRoot(flavour, { version: order.torch.version, arch })
  const target = dirname(root)
  if (existsSync(root)) return root
  if (process.env.SHINSAKU_OFFLINE === '1') {
    throw new ShinsakuError(
      'LIBTORCH_FETCH_FAILED',
      `libtorch is not in ${target}, and SHINSAKU_OFFLINE=1 forbids fetching it`,
      {
        hint: 'Unset SHINSAKU_OFFLINE, or set LIBTORCH to an unpacked libtorch.',
        details: { reason: 'forbidden' },
      },
    )
  }
  const parent = dirname(target)
  await mkdir(parent, { recursive: true }).catch((cause) => {
    throw fileError('create', parent, cause)
  })
  await alone(parent, flavour, options, async () => {
    if (existsSync(root)) return
    await fetchInto(target, order, options).catch(async (error) => {
      await recordFailure(parent, flavour, error)
      throw error
    })
    await forgetFailure(parent, flavour)
  }).catch((cause) => {
    throw fileError('write', parent, cause)
  })
  return root
}
