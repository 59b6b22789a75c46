/** What `shinsaku serve` does with time and signals, over a handler that is played. */
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runCommandLine } from '../../../lib/cli/program.ts'
import { ShinsakuError } from '../../../lib/errors.ts'
import { createHandler } from '../../../lib/serve/create.ts'
import { listen } from '../../../lib/serve/listen.ts'
import { fakeIo } from '../../helpers/cli.ts'

vi.mock('../../../lib/serve/create.ts', () => ({ createHandler: vi.fn() }))
vi.mock('../../../lib/serve/listen.ts', () => ({ listen: vi.fn() }))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function serving(
  flags: readonly string[],
  { finished = true, columns }: { finished?: boolean; columns?: number } = {},
) {
  const reload = vi.fn<() => Promise<string[]>>(async () => [])
  const close = vi.fn(async () => finished)
  const handler = Object.assign(async () => new Response(), { ready: async () => {}, reload, close })
  vi.mocked(createHandler).mockReturnValue(handler)
  vi.mocked(listen).mockResolvedValue({ url: 'http://127.0.0.1:8080', close })
  const played = fakeIo(columns)
  const ended = runCommandLine(['serve', 'faces=runs/a', ...flags], played.io)
  // vi.waitUntil would let the played time go on.
  while (played.signals.listenerCount('SIGTERM') === 0) await setImmediate()
  return { ...played, reload, close, ended }
}

test('--follow looks for newer checkpoints every ten seconds, also after a look that failed; without it nothing looks', async () => {
  const { reload, signals, ended, written } = await serving(['--follow'])
  reload.mockRejectedValueOnce(new ShinsakuError('RUN_NOT_FOUND', 'The run is not there'))
  reload.mockResolvedValueOnce(['faces'])
  await vi.advanceTimersByTimeAsync(9_999)
  expect(reload).toHaveBeenCalledTimes(0)
  await vi.advanceTimersByTimeAsync(20_001)
  expect(reload).toHaveBeenCalledTimes(3)
  expect(written.stderr).toBe('error The run is not there\nNewer checkpoints of: faces\n')
  signals.emit('SIGTERM')
  expect(await ended).toBe(0)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(reload).toHaveBeenCalledTimes(3)
  const still = await serving([])
  await vi.advanceTimersByTimeAsync(60_000)
  still.signals.emit('SIGINT')
  await still.ended
  expect(still.reload).toHaveBeenCalledTimes(0)
})

test('SIGHUP looks at once; in a terminal it ends the server', async () => {
  const service = await serving([])
  service.signals.emit('SIGHUP')
  expect(service.reload).toHaveBeenCalledTimes(1)
  service.signals.emit('SIGTERM')
  expect(await service.ended).toBe(0)
  expect(service.signals.eventNames()).toEqual([])
  const terminal = await serving([], { columns: 80 })
  terminal.signals.emit('SIGHUP')
  expect(await terminal.ended).toBe(0)
  expect(terminal.reload).toHaveBeenCalledTimes(0)
})

test('what is not finished within --drain-time is a failure', async () => {
  const { signals, ended, close, written } = await serving(['--drain-time', '3s'], { finished: false })
  signals.emit('SIGTERM')
  expect(await ended).toBe(1)
  expect(close).toHaveBeenCalledExactlyOnceWith(3)
  expect(written.stderr).toContain('Not all pictures could be finished within 3 s')
})
