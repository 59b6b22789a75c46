/** What a stop signal does to the work of a command. */
import { expect, test, vi } from 'vitest'
import { withStop } from '../../../lib/cli/with-stop.ts'
import { abortError, ShinsakuError } from '../../../lib/errors.ts'
import { fakeIo } from '../../helpers/cli.ts'

/** Work that waits for its signal, and then fails with `error`. */
const untilStopped = (error: (signal: AbortSignal) => Error) => ({
  work: ({ signal }: { signal: AbortSignal }) =>
    new Promise<number>((_resolve, reject) => signal.addEventListener('abort', () => reject(error(signal)))),
})
const aborted = untilStopped((signal) => abortError(signal, 'The work'))

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s stops the work, says so, and gives %i; nothing listens any more', async (signal, code) => {
  const { io, written, signals } = fakeIo()
  const stopped = vi.fn((code: number) => code)
  const ending = withStop(io, 'Stopping.', aborted.work, stopped)
  signals.emit(signal)
  expect(await ending).toBe(code)
  expect(written.stderr).toBe('Stopping.\n')
  expect(stopped).toHaveBeenCalledOnce()
  expect(signals.eventNames()).toEqual([])
})

test('what stopped work returns is the exit code', async () => {
  const { io, signals } = fakeIo()
  const ending = withStop(io, 'Stopping.', aborted.work, async () => 0)
  signals.emit('SIGTERM')
  expect(await ending).toBe(0)
})

test('a failure stays one, with a signal and without', async () => {
  const { io, signals } = fakeIo()
  const stopped = vi.fn((code: number) => code)
  const broken = untilStopped(() => new ShinsakuError('FILE_FAILED', 'The disk is full'))
  const ending = withStop(io, 'Stopping.', broken.work, stopped)
  signals.emit('SIGINT')
  await expect(ending).rejects.toMatchObject({ code: 'FILE_FAILED' })
  const abort = new ShinsakuError('ABORT_ERR', 'Somebody else ended it')
  await expect(withStop(io, 'Stopping.', () => Promise.reject(abort), stopped)).rejects.toBe(abort)
  expect(stopped).not.toHaveBeenCalled()
  expect(signals.eventNames()).toEqual([])
})
