/** Locks that name their process, so that a dead process holds nothing. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { disk } from './write.ts'

export type Lock = { release(): Promise<void> }

const ENDED = 'ended'

/** Clock ticks since boot at which a process started, and which boot; undefined where that cannot be seen. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything; state is the first field after it, start time the 20th.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return ENDED
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return `${fields[19]}-${boot.slice(0, 8)}`
  } catch {
    return undefined
  }
}

/** Whether the process that wrote a lock still runs. */
async function isRunning(pid: number, start: string): Promise<boolean> {
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

/** The files of a lock: process and start. */
const lockNamed = (name: string): RegExp => new RegExp(`^\\.${name}-([1-9]\\d{0,9})-([0-9a-z-]+)$`)

/** The living process that holds the lock, if one does. Changes nothing. */
export async function lockHolder(folder: string, name: string): Promise<number | undefined> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, pid, start] = lockNamed(name).exec(entry) ?? []
    if (pid !== undefined && (await isRunning(Number(pid), start!))) return Number(pid)
  }
  return undefined
}

/**
 * Takes the lock `.<name>-<pid>-<start>` in `folder`, or resolves with the process that holds one: a pid is used
 * again after its process has ended, a pid with its start is not. Locks of dead processes are removed. Each
 * process first puts down its own and then looks for others, so of two that start at once at most one goes on.
 */
export async function takeLock(folder: string, name: string): Promise<Lock | number> {
  const pattern = lockNamed(name)
  const own = `.${name}-${process.pid}-${await processStart(process.pid)}`
  const path = join(folder, own)
  try {
    await disk.close(await disk.open(path, 'wx'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return process.pid
    throw fileError('lock', folder, cause)
  }
  try {
    for (const entry of await readdir(folder)) {
      const [, pid, start] = pattern.exec(entry) ?? []
      if (pid === undefined || entry === own) continue
      if (await isRunning(Number(pid), start!)) {
        await disk.remove(path)
        return Number(pid)
      }
      await disk.remove(join(folder, entry))
    }
  } catch (cause) {
    await disk.remove(path).catch(() => {})
    throw fileError('lock', folder, cause)
  }
  return {
    release: async () => {
      await disk.remove(path).catch((cause) => {
        throw fileError('unlock', folder, cause)
      })
    },
  }
}
