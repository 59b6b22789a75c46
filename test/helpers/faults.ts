/** Makes the n-th operation of lib/files/write.ts fail. */
import { disk } from '../../lib/files/write.ts'

export type Operation = keyof typeof disk

export type Fault = {
  /** Which operation fails, from 1. */
  at: number
  /** Only these are counted; all of them by default. */
  only?: readonly Operation[]
  code?: string | ((operation: Operation) => string)
  /** A killed process: the operations after the fault do nothing either. */
  dead?: boolean
}

const original = { ...disk }

export const errno = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: injected`), { code })

/** Runs `work` with one fault; tells whether it fired and how `work` ended. */
export async function withFault<T>(
  fault: Fault,
  work: () => Promise<T>,
): Promise<{ fired: boolean; value?: T; error?: unknown }> {
  const { at, only, code = 'EIO', dead = false } = fault
  let count = 0
  let fired = false
  for (const name of Object.keys(original) as Operation[]) {
    const real = original[name] as (...args: unknown[]) => Promise<unknown>
    const counted = !only || only.includes(name)
    const faulty = async (...args: unknown[]): Promise<unknown> => {
      if (counted) count += 1
      const due = counted && count === at
      if (!due && !(fired && dead)) return real(...args)
      // The handle must not leak, and a write that fails may have written a part.
      if (name === 'close') await real(...args)
      if (name === 'write' && due)
        await real(args[0], (args[1] as Uint8Array).subarray(0, (args[1] as Uint8Array).length >> 1))
      fired = true
      throw errno(typeof code === 'string' ? code : code(name))
    }
    ;(disk as Record<string, unknown>)[name] = faulty
  }
  try {
    const value = await work()
    return { value, fired }
  } catch (error) {
    return { error, fired }
  } finally {
    Object.assign(disk, original)
  }
}

/** Calls `attempt` with n = 1, 2, … until the fault no longer fires; resolves with the number of faults. */
export async function forEveryFault(attempt: (n: number) => Promise<{ fired: boolean }>): Promise<number> {
  for (let n = 1; ; n++) if (!(await attempt(n)).fired) return n - 1
}

/** Runs `work` and lists its operations with the last parts of their paths. */
export async function recorded(work: () => Promise<unknown>): Promise<string[]> {
  const names = new Map<unknown, string>()
  const log: string[] = []
  const short = (path: unknown) => String(path).split('/').slice(-2).join('/')
  Object.assign(disk, {
    open: async (path: string, flags: string) => {
      const file = await original.open(path, flags)
      names.set(file, short(path))
      return file
    },
    rename: async (from: string, to: string) => {
      log.push(`rename ${short(to)}`)
      return original.rename(from, to)
    },
    remove: async (path: string) => {
      log.push(`remove ${short(path)}`)
      return original.remove(path)
    },
    sync: async (file: Parameters<typeof disk.sync>[0]) => {
      log.push(`sync ${names.get(file)}`)
      return original.sync(file)
    },
  })
  try {
    await work()
  } finally {
    Object.assign(disk, original)
  }
  return log
}
