/** Work that the first stop signal asks to end, and its progress line: what train, sample, evaluate and study share. */
import { ShinsakuError } from '../errors.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'
import { Progress } from './progress.ts'

export const isAbort = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && error.code === 'ABORT_ERR'

/** What work gets: `signal` fires at the first stop signal. */
export type Stoppable = { readonly signal: AbortSignal; readonly progress: Progress }

/** What is said at the first stop signal where a command has nothing to add. */
export const STOPPING = 'Stopping. Another signal ends at once.'

/**
 * Runs `work`; resolves with its exit code. A stop signal says `notice`; where `work` then rejects with ABORT_ERR,
 * `stopped` says what is left of it; it is given the signal's exit code and returns the one to end with.
 */
export async function withStop(
  io: Io,
  notice: string,
  work: (stoppable: Stoppable) => Promise<number>,
  stopped: (code: number) => number | Promise<number>,
): Promise<number> {
  const progress = new Progress(io.stderr)
  const abort = new AbortController()
  let by: StopSignal | undefined
  const undo = onStopSignals(io, (signal) => {
    by = signal
    progress.log(notice)
    abort.abort()
  })
  try {
    return await work({ signal: abort.signal, progress })
  } catch (error) {
    progress.end()
    if (!by || !isAbort(error)) throw error
    return stopped(exitCodes[by])
  } finally {
    progress.end()
    undo()
  }
}
