/** Where a command reads its signals from and writes to; tests give their own. */
import type { EventEmitter } from 'node:events'
import type { Output } from './progress.ts'

export type Io = {
  /** Data: what a program would read. */
  stdout: Output
  /** Talk: progress, reports, errors. */
  stderr: Output & { hasColors?(): boolean }
  signals: Pick<EventEmitter, 'on' | 'off'>
  /** Ends the process at once. */
  exit(code: number): void
}

/** The exit codes, as help lists them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, SIGINT: 130, SIGTERM: 143 } as const

type Signal = 'SIGINT' | 'SIGTERM'

/** Calls `first` at the first SIGINT or SIGTERM; the second ends the process at once. Returns what undoes it. */
export function onStopSignals({ signals, exit }: Io, first: (signal: Signal) => void): () => void {
  let seen = false
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const handler = () => {
      if (seen) exit(exitCodes[signal])
      seen = true
      first(signal)
    }
    signals.on(signal, handler)
    return () => signals.off(signal, handler)
  })
  return () => {
    for (const undo of handlers) undo()
  }
}
