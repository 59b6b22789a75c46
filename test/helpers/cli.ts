/** A command line run in this process, with what it wrote. */
import { EventEmitter } from 'node:events'
import { type Io, stopSignals } from '../../lib/cli/io.ts'
import { runCommandLine } from '../../lib/cli/program.ts'

export type Written = { stdout: string; stderr: string }

export function fakeIo(columns?: number) {
  const written: Written = { stdout: '', stderr: '' }
  const exits: number[] = []
  const output = (name: keyof Written) => ({
    isTTY: columns !== undefined,
    ...(columns === undefined ? {} : { columns }),
    hasColors: () => false,
    write: (text: string) => {
      written[name] += text
    },
  })
  const signals = new EventEmitter()
  const exit = (code: number) => exits.push(code)
  const io: Io = { stdout: output('stdout'), stderr: output('stderr'), signals, stopSignals, exit }
  return { io, written, exits, signals }
}

export async function shinsaku(...args: string[]): Promise<Written & { code: number }> {
  const { io, written } = fakeIo()
  const code = await runCommandLine(args, io)
  return { code, ...written }
}
