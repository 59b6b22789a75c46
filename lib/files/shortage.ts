/** What a process or its machine is short of for a while: waited for, and then said as that, never as a fault of a file. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ShinsakuError, visible } from '../errors.ts'

const OPEN_FILES = 'Raise the limit of open files (ulimit -n), or close some in this process.'
const DISK = 'Look at the disk or the network that the file is on. Where only this file fails, move it away.'

/** The codes of the system, and what to do. */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
  ENOMEM: 'Give the process more memory, or end what else uses it.',
  EAGAIN: 'Try again when the machine is less busy.',
  EBUSY: 'Try again when no other program uses the file.',
  EIO: DISK,
  ETIMEDOUT: DISK,
  ESTALE: DISK,
}

/** Milliseconds between tries. Tests shorten them. */
export const patience = {
  /** For what is short: about half a minute. */
  shortage: [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800],
  /** For a permission that may come back: about two seconds. */
  permission: [100, 400, 1500],
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  return (error instanceof ShinsakuError ? cause?.code : code) ?? ''
}

/** Whether a failure may pass in a moment: somebody is changing who may read the file. */
export const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error))

/** Reads what is at `path` by `work`, again after a while where something is short. Rejects with RESOURCE_SHORTAGE where it stays so. */
export async function withPatience<T>(
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal | undefined,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const code = codeOf(error)
      const wait = patience.shortage[tries]
      if (!Object.hasOwn(shortages, code)) throw error
      if (wait === undefined || signal?.aborted) throw shortage(path, code, error)
      // An abort ends the waiting; whoever called looks at the signal itself.
      await sleep(wait, undefined, signal ? { signal } : {}).catch(() => {})
    }
  }
}

function shortage(path: string, code: string, cause: unknown): ShinsakuError {
  const seconds = Math.round(patience.shortage.reduce((sum, wait) => sum + wait, 0) / 1000)
  const message = `${visible(path)} could not be read for want of something else than the file: ${code}, still after ${seconds} seconds`
  return new ShinsakuError('RESOURCE_SHORTAGE', message, { cause, hint: shortages[code]!, details: { path, code } })
}
