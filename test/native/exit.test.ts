/** The process, and a worker, end as Node would end them, whatever the device thread is doing. */
import { describe, expect, test } from 'vitest'
import { endings, runToEnd, terminateBusyWorkers } from '../helpers/exits.ts'
import { times } from '../helpers/stress.ts'

const notes: Record<string, (output: string) => void> = {
  'exit-long'(output) {
    const [, update, at] = output.match(/takes (\d+)\n.*exiting at (\d+)/s)!.map(Number)
    // 50 updates had begun; the end waits for one block of the network.
    expect(Date.now() - at!).toBeLessThan(25 * update!)
  },
  shutdown(output) {
    for (const call of ['running', 'queued', 'later', 'loaded again']) expect(output).toContain(`${call} SHUT_DOWN`)
  },
  'workers-end'(output) {
    expect(output).toContain('worker-throw: code 1, on purpose')
    expect(output).toContain('worker-exit: code 3, no error')
    expect(output).toContain('worker-end: code 0, no error')
  },
}

describe('a busy process ends cleanly', () => {
  test.each(Object.entries(endings))('%s: %o', async (name, ending) => {
    for (let round = 0; round < times(1, 100); round++) {
      const { output, ...ended } = await runToEnd(name)
      expect(ended, `round ${round}: ${output}`).toMatchObject({ code: null, signal: null, ...ending })
      notes[name]?.(output)
    }
  })
})

test('R57: 8 worker threads train side by side and are terminated while busy, again and again', async () => {
  for (let round = 0; round < times(2, 100); round++) expect(await terminateBusyWorkers(8)).toEqual(Array(8).fill(1))
})
