/** Runs the ways to end of exit-case.mjs, and says how each must end. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Way to end → how Node ends: its exit code, or the signal that ended it. */
export const endings: Record<string, { code: number } | { signal: NodeJS.Signals }> = {
  exit: { code: 0 },
  'exit-7': { code: 7 },
  throw: { code: 1 },
  rejection: { code: 1 },
  end: { code: 0 },
  sampling: { code: 0 },
  garbage: { code: 0 },
  shutdown: { code: 0 },
  'exit-long': { code: 0 },
  'exit-over-workers': { code: 5 },
  'exit-beside-workers': { code: 6 },
  'workers-end': { code: 0 },
  'signal SIGTERM': { signal: 'SIGTERM' },
  'signal SIGINT': { signal: 'SIGINT' },
  'signal-handled SIGTERM': { code: 3 },
}

export type Ended = { code: number | null; signal: NodeJS.Signals | null; output: string }

/** Runs a child that ends as `name` says: a way, and maybe the signal to send once it trains. */
export function runToEnd(name: string, file = 'exit-case.mjs', args: string[] = []): Promise<Ended> {
  const [way, signal] = name.split(' ') as [string, NodeJS.Signals | undefined]
  const child = spawn(process.execPath, ['--expose-gc', program(file), ...args, way], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      if (signal && output.includes('training')) child.kill(signal)
    })
  }
  return new Promise((resolve) => child.on('close', (code, by) => resolve({ code, signal: by, output })))
}

/** Starts `count` workers that train, and terminates them while they do. */
export async function terminateBusyWorkers(count: number): Promise<number[]> {
  const workers = Array.from({ length: count }, () => new Worker(program('exit-case.mjs'), { argv: ['worker'] }))
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  return Promise.all(workers.map((worker) => worker.terminate()))
}
