import { describe, expect, test } from 'vitest'
import { variablesOf, wantedProcesses, withoutProcesses } from '../../../lib/cli/processes.ts'
import { readLaunch } from '../../../lib/distributed/environment.ts'

describe('--processes and --gpus', () => {
  test('say how many processes there are', () => {
    expect(wantedProcesses({})).toBeUndefined()
    expect(wantedProcesses({ processes: '2' })).toEqual({ count: 2, gpus: false })
    expect(wantedProcesses({ gpus: '4' })).toEqual({ count: 4, gpus: true })
  })

  test.each([
    [{ processes: '0' }, /--processes must be a whole number from 1 to 1024, but is "0"/],
    [{ processes: 'two' }, /is "two"/],
    [{ gpus: '1.5' }, /--gpus must be/],
    [{ processes: '2', queue: true }, /--queue gives one process its turn/],
    [{ gpus: '2', processes: '2' }, /--gpus and --processes do not go together/],
  ])('%j are refused', (flags, message) => {
    expect(() => wantedProcesses(flags)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
    )
  })

  test('are not handed on', () => {
    expect(withoutProcesses(['train', 'a', '--processes', '2', '--size=8', '--gpus=4', '--json'])).toEqual([
      'train',
      'a',
      '--size=8',
      '--json',
    ])
  })

  test('make a group that is understood', () => {
    expect(readLaunch(variablesOf(1, 2, 41000))).toMatchObject({
      rank: 1,
      size: 2,
      localRank: 1,
      localSize: 2,
      port: 41000,
    })
  })
})
