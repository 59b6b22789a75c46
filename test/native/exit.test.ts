import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../helpers/exit-case.mjs', import.meta.url))

type Ended = { code: number | null; signal: NodeJS.Signals | null; seconds: number; output: string }

/** Runs a child that trains for ever, in one of the ways to end. */
function run(way: string): Promise<Ended> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--expose-gc', program, way], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  return new Promise((resolve) =>
    child.on('exit', (code, signal) =>
      resolve({ code, signal, seconds: (performance.now() - started) / 1000, output }),
    ),
  )
}

describe('the process ends cleanly while a unit runs', () => {
  test.each([
    ['exit', 0],
    ['exit-7', 7],
    ['throw', 1],
    ['end', 0],
    ['sampling', 0],
    ['garbage', 0],
  ])('%s: exit code %i, no signal', async (way, code) => {
    const ended = await run(way)
    expect(ended, ended.output).toMatchObject({ code, signal: null })
  })

  test('a long update does not delay the exit: it ends within a block of the network', async () => {
    const ended = await run('exit-long')
    expect(ended, ended.output).toMatchObject({ code: 0, signal: null })
    expect(ended.output).toContain('exiting')
    const delay = Number(ended.output.match(/exiting at (\d+)/)![1])
    expect(Date.now() - delay).toBeLessThan(60_000)
  })

  test('calls after shutdown() reject with SHUT_DOWN, and so do those it cut short', async () => {
    const ended = await run('shutdown')
    expect(ended, ended.output).toMatchObject({ code: 0, signal: null })
    expect(ended.output).toContain('running SHUT_DOWN')
    expect(ended.output).toContain('queued SHUT_DOWN')
    expect(ended.output).toContain('later SHUT_DOWN')
  })
})

test('worker threads train side by side and are terminated while busy', async () => {
  for (let round = 0; round < 3; round++) {
    const workers = [0, 1].map(() => new Worker(program, { argv: ['worker'] }))
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
})
