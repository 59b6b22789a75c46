/** One process per run folder: a lock names its process, so that a dead process holds nothing. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, ShinsakuError } from '../errors.ts'
import { disk } from '../files.ts'

export type Lock = { release(): Promise<void> }

/** `.lock-<pid>-<start>`: a pid is used again after its process has ended, a pid with its start is not. */
const lockName = /^\.lock-(\d{1,10})-([0-9a-z-]+)$/

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

const lockOf = (pid: number, start: string | undefined) => `.lock-${pid}-${start}`

/**
 * Takes the lock of a run folder; locks of dead processes are removed. Each process first puts down its own and
 * then looks for others, so of two that start at once at most one goes on. Throws RUN_LOCKED.
 */
export async function lockRun(folder: string): Promise<Lock> {
  const own = lockOf(process.pid, await processStart(process.pid))
  const path = join(folder, own)
  try {
    await disk.close(await disk.open(path, 'wx'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw locked(folder, process.pid)
    throw fileError('lock', folder, cause)
  }
  try {
    for (const name of await readdir(folder)) {
      const [, pid, start] = lockName.exec(name) ?? []
      if (pid === undefined || name === own) continue
      if (await isRunning(Number(pid), start!)) throw locked(folder, Number(pid))
      await disk.remove(join(folder, name))
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

function locked(folder: string, pid: number): ShinsakuError {
  const who = pid === process.pid ? 'This process' : `Process ${pid}`
  return new ShinsakuError('RUN_LOCKED', `${who} is training in ${folder} already`, {
    hint: 'Wait for it, stop it, or start a new run by leaving out resume.',
    details: { folder, pid },
  })
}
