/** `shinsaku train --processes N`, `--gpus N`: starts the processes of a group on this machine, and ends with them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { ShinsakuError } from '../errors.ts'
import { freePort } from './free-port.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'

/** How many processes flags ask for, and whether each is to have a GPU; undefined where they ask for none. */
export type Wanted = { count: number; gpus: boolean }

/** Processes that wait for turns one by one would never meet. */
export const noTurns = (): ShinsakuError =>
  new ShinsakuError(
    'OPTION_INVALID',
    '--queue gives one process its turn, so it does not go with several that train together',
  )

/** Throws OPTION_INVALID. */
export function wantedProcesses(flags: Readonly<Record<string, unknown>>): Wanted | undefined {
  const given = (['processes', 'gpus'] as const).filter((name) => flags[name] !== undefined)
  const [name] = given
  if (name === undefined) return undefined
  if (flags.queue) throw noTurns()
  const count = Number(flags[name])
  const problem =
    given.length > 1
      ? 'and --processes do not go together'
      : Number.isInteger(count) && count >= 1 && count <= 1024
        ? undefined
        : `must be a whole number from 1 to 1024, but is ${JSON.stringify(flags[name])}`
  if (problem) throw new ShinsakuError('OPTION_INVALID', `--${given.length > 1 ? 'gpus' : name} ${problem}`)
  return { count, gpus: name === 'gpus' }
}

/** `args` without the flags that ask for processes. */
export function withoutProcesses(args: readonly string[]): string[] {
  const rest: string[] = []
  for (let i = 0; i < args.length; i++) {
    if (/^--(processes|gpus)$/.test(args[i]!)) i += 1
    else if (!/^--(processes|gpus)=/.test(args[i]!)) rest.push(args[i]!)
  }
  return rest
}

/** What tells one process of a group which one it is. */
export const variablesOf = (rank: number, size: number, port: number): Record<string, string> => ({
  RANK: `${rank}`,
  LOCAL_RANK: `${rank}`,
  WORLD_SIZE: `${size}`,
  LOCAL_WORLD_SIZE: `${size}`,
  MASTER_ADDR: '127.0.0.1',
  MASTER_PORT: `${port}`,
  SHINSAKU_DISTRIBUTED: '1',
})

/** How a process ended, as a shell counts it. */
const ended = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? exitCodes[signal as StopSignal] ?? exitCodes.failed))
  })

/**
 * Starts this command `count` times. Rank 0 speaks for all; of the others one sees errors. A stop signal goes to each
 * once. Resolves with the exit code of rank 0, or of the first that failed.
 */
export async function runProcesses({ count, gpus }: Wanted, args: readonly string[], io: Io): Promise<number> {
  const port = await freePort()
  const own = [...withoutProcesses(args), ...(gpus ? ['--device', 'cuda'] : [])]
  const children = Array.from({ length: count }, (_, rank) =>
    spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...own], {
      env: { ...process.env, ...variablesOf(rank, count, port) },
      stdio: ['ignore', rank === 0 ? 'inherit' : 'ignore', 'inherit'],
      // Ctrl-C of a terminal would reach them a second time, and the second signal ends without saving.
      detached: true,
    }),
  )
  const undo = onStopSignals({ ...io, exit: (code) => leave(children, code, io) }, (signal) => {
    for (const child of children) child.kill(signal)
  })
  const onExit = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.once('exit', onExit)
  try {
    const codes = await Promise.all(children.map(ended))
    return codes[0] || codes.find((code) => code !== 0) || exitCodes.done
  } finally {
    process.off('exit', onExit)
    undo()
  }
}

/** The second signal ends all at once. */
function leave(children: readonly ChildProcess[], code: number, io: Io): void {
  for (const child of children) child.kill('SIGKILL')
  io.exit(code)
}
