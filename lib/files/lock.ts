/** Locks that name their process and show that it lives, so that a dead process holds nothing for long. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { disk } from './write.ts'

export type Lock = {
  /** Whether it is still there: another process takes it from one that it has not heard of for LOCK_SILENCE_MS. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** Who holds a lock. A pid means something only `here`: on this machine, in this PID namespace. */
export type Holder = { pid: number; here: boolean }

/** How often a process shows that it lives, by the time of change of its lock file. */
const HEARTBEAT_MS = 10_000

/** A process elsewhere (another container or machine) that has not shown itself for so long is taken for dead. */
export const LOCK_SILENCE_MS = 60_000

const ENDED = 'ended'

const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).slice(0, 8)

/** Clock ticks since boot at which a process started, and which boot; undefined where that cannot be seen. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything; state is the first field after it, start time the 20th.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return ENDED
    return `${fields[19]}-${await bootId()}`
  } catch {
    return undefined
  }
}

/** The PID namespace of this process by its number: each container has its own, in which pids mean other processes. */
async function pidNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '')
  return link.match(/\d+/)?.[0] ?? 'unknown'
}

/** A lock as its file name tells it: pid, start, namespace. Older versions wrote no namespace. */
type Found = { name: string; pid: number; start: string; namespace: string | undefined }

/** Whether a process of this namespace still runs. */
async function isRunning({ pid, start }: Found): Promise<boolean> {
  const seen = await processStart(pid)
  if (seen !== undefined) return seen === start
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // /proc may hide the processes of other users; this one is there but may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Who holds a lock that was found, if its process lives. */
async function holderOf(folder: string, found: Found): Promise<Holder | undefined> {
  const { pid, start, namespace } = found
  const sameBoot = start.endsWith(`-${await bootId().catch(() => '?')}`)
  const here = namespace === undefined || (sameBoot && namespace === (await pidNamespace()) && namespace !== 'unknown')
  if (here) return (await isRunning(found)) ? { pid, here } : undefined
  const changed = await stat(join(folder, found.name)).catch(() => undefined)
  return changed && Date.now() - changed.mtimeMs < LOCK_SILENCE_MS ? { pid, here } : undefined
}

/** Reads the locks of a name in a folder: `.<name>-<pid>-<start ticks>-<boot>-<namespace>`. */
function parse(entry: string, name: string): Found | undefined {
  const match = new RegExp(`^\\.${name}-([1-9]\\d{0,9})-(undefined|\\d+-[0-9a-f]+)(?:-ns(\\w+))?$`).exec(entry)
  return match ? { name: entry, pid: Number(match[1]), start: match[2]!, namespace: match[3] } : undefined
}

const locksIn = (entries: readonly string[], name: string): Found[] =>
  entries.map((entry) => parse(entry, name)).filter((found) => found !== undefined)

/** The living process that holds the lock, if one does. Changes nothing. */
export async function lockHolder(folder: string, name: string): Promise<Holder | undefined> {
  for (const found of locksIn(await readdir(folder).catch(() => []), name)) {
    const holder = await holderOf(folder, found)
    if (holder) return holder
  }
  return undefined
}

/** Shows again and again that this process lives, until the returned function is called. */
function beat(path: string): () => void {
  const timer = setInterval(() => {
    // A lock that is gone is for isHeld() to find.
    disk.touch(path).catch(() => {})
  }, HEARTBEAT_MS)
  timer.unref()
  return () => clearInterval(timer)
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    // What cannot be looked at for another reason may still be there.
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  )

/**
 * Takes the lock of this name in `folder`, or resolves with who holds it. Its file names pid, start, boot and PID
 * namespace: a pid is used again after its process has ended, a pid with its start is not. Within a namespace the kernel
 * says which process lives; of others it cannot, so their locks count until they are silent for LOCK_SILENCE_MS (clocks
 * of machines must agree to much less). Locks of dead processes are removed. Each process first puts down its own and
 * then looks for others, so of two that start at once at most one goes on.
 */
export async function takeLock(folder: string, name: string): Promise<Lock | Holder> {
  const own = `.${name}-${process.pid}-${await processStart(process.pid)}-ns${await pidNamespace()}`
  const path = join(folder, own)
  try {
    await disk.close(await disk.open(path, 'wx'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return { pid: process.pid, here: true }
    throw fileError('lock', folder, cause)
  }
  try {
    for (const found of locksIn(await readdir(folder), name)) {
      if (found.name === own) continue
      const holder = await holderOf(folder, found)
      if (holder) {
        await disk.remove(path)
        return holder
      }
      await disk.remove(join(folder, found.name))
    }
  } catch (cause) {
    await disk.remove(path).catch(() => {})
    throw fileError('lock', folder, cause)
  }
  const stop = beat(path)
  return {
    // Where the folder is gone, nobody has taken anything.
    isHeld: async () => (await isThere(path)) || !(await isThere(folder)),
    release: async () => {
      stop()
      await disk.remove(path).catch((cause) => {
        throw fileError('unlock', folder, cause)
      })
    },
  }
}

export const isLock = (taken: Lock | Holder): taken is Lock => 'release' in taken
