import { expect, test } from 'vitest'
import { ignoredHangup, type Started, startedHow } from '../../../lib/system/hangup.ts'

const plain: Started = {
  status: ['SigIgn:\t0000000001001000\n', 'Name:\tbash\nSigIgn:\t0000000000384004\n'],
  command: '/usr/bin/node',
  stdinInfo: 'pos:\t0\nflags:\t0100002\n',
  stdinPath: '/dev/pts/3',
}

test.each([
  ['nothing', {}, false],
  ['a parent that ignores it', { status: ['', 'SigIgn:\t0000000000000001\n'] }, true],
  ['a mask of its own', { status: ['SigIgn:\t0000000001001001\n', ''] }, true],
  ['nothing to read', { status: ['', ''], stdinInfo: '', stdinPath: '', command: undefined }, false],
  ['the shell, which started nohup', { command: '/usr/bin/nohup' }, true],
  ['an input to write to', { stdinPath: '/dev/null', stdinInfo: 'flags:\t0100001\n' }, true],
  ['an input of nothing', { stdinPath: '/dev/null', stdinInfo: 'flags:\t0100000\n' }, false],
])('SIGHUP was ignored, as %s says: %#', (_, change, ignored) =>
  expect(ignoredHangup({ ...plain, ...change })).toBe(ignored),
)

test('what this process says of itself can be read', () => {
  expect(startedHow()).toMatchObject({ status: [expect.stringContaining('SigIgn:'), expect.anything()] })
})
