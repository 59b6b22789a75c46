/** Groups of real processes on loopback. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../lib/cli/free-port.ts'
import { variablesOf } from '../../lib/cli/processes.ts'
import { loadNative } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'

const program = fileURLToPath(new URL('group-case.mjs', import.meta.url))

export type Outcome = {
  images?: number
  run?: string
  weightsSha256?: string
  code?: string
  message?: string
  details?: { rank?: number }
}

export type Member = { child: ChildProcess; outcome: Promise<Outcome>; said: () => string }

/** Starts a process for each of `options`; `env` is added for all of them. */
export async function startGroup(
  options: readonly (AnyTrainOptions & { report?: boolean })[],
  env: Record<string, string> = {},
): Promise<Member[]> {
  const port = await freePort()
  // Tests keep their own cache, and libtorch may lie in the user's.
  const { libtorch } = await loadNative()
  return options.map((own, rank) => {
    const child = spawn(process.execPath, [program, JSON.stringify(own)], {
      env: {
        ...process.env,
        LIBTORCH: libtorch.root,
        SHINSAKU_DEVICE: 'cpu',
        ...variablesOf(rank, options.length, port),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const outcome = new Promise<Outcome>((resolve) => {
      child.on('close', () => resolve(JSON.parse(text.trim().split('\n').at(-1) || '{}') as Outcome))
    })
    return { child, outcome, said: () => text }
  })
}

export const outcomesOf = (members: readonly Member[]): Promise<Outcome[]> =>
  Promise.all(members.map(({ outcome }) => outcome))

/** The same options for `size` processes, to their end. */
export const runGroup = async (size: number, options: AnyTrainOptions, env: Record<string, string> = {}) =>
  outcomesOf(
    await startGroup(
      Array.from({ length: size }, () => options),
      env,
    ),
  )
