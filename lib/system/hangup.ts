/** Whether SIGHUP was ignored when this process was started, as by nohup. */
import { readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'

/** What is known of how a process was started. */
export type Started = {
  /** /proc/PID/status of the process and of its parent; empty where it cannot be read. */
  status: readonly string[]
  /** What a shell leaves in the environment as `_`: the command that it started. */
  command: string | undefined
  /** /proc/self/fdinfo/0, and what it leads to. */
  stdinInfo: string
  stdinPath: string
}

const SIGHUP_BIT = 1n
const ACCESS_MODE = 3
const WRITE_ONLY = 1

const ignoresHangup = (status: string): boolean => {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/im.exec(status)?.[1]
  return mask !== undefined && (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n
}

/** nohup gives a process that had a terminal as its input /dev/null, opened for writing: reading from it fails. */
function hasInputOfNohup({ stdinInfo, stdinPath }: Started): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(stdinInfo)?.[1]
  return stdinPath === '/dev/null' && flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY
}

/**
 * Node takes every signal back to its default as it starts, so its own mask no longer says what it was given. The
 * parent's does (a script under nohup), and nohup itself leaves traces.
 */
export const ignoredHangup = (started: Started): boolean =>
  started.status.some(ignoresHangup) ||
  (started.command !== undefined && basename(started.command) === 'nohup') ||
  hasInputOfNohup(started)

function readOr(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/** How this process was started. */
export const startedHow = (): Started => ({
  status: ['self', process.ppid].map((pid) => readOr(() => readFileSync(`/proc/${pid}/status`, 'utf8'))),
  command: process.env._,
  stdinInfo: readOr(() => readFileSync('/proc/self/fdinfo/0', 'utf8')),
  stdinPath: readOr(() => realpathSync('/proc/self/fd/0')),
})
