/** Where a command reads its signals from and writes to; tests give their own. */
import type { EventEmitter } from 'node:events'
import type { Output } from './progress.ts'

export type Io = {
  /** Data: what a program would read. */
  stdout: Output
  /** Talk: progress, reports, errors. */
  stderr: Output & { hasColors?(): boolean }
  signals: Pick<EventEmitter, 'on' | 'off'>
  /** The signals that ask for an end; without SIGHUP where whoever started the process had it ignored. */
  stopSignals: readonly StopSignal[]
  /** Ends the process at once. */
  exit(code: number): void
}

/** The exit codes, as help lists them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

export type StopSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM'

/** SIGHUP is a terminal that was closed. */
export const stopSignals: readonly StopSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** Calls `first` at the first signal that asks for an end; the second ends the process at once. Returns what undoes it. */
export function onStopSignals({ signals, stopSignals, exit }: Io, first: (signal: StopSignal) => void): () => void {
  let seen = false
  const handlers = stopSignals.map((signal) => {
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
