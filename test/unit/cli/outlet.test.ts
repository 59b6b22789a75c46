import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Outlet } from '../../../lib/cli/outlet.ts'

function setUp(isTTY = true) {
  const written: string[] = []
  const failures: Error[] = []
  const stream = Object.assign(new EventEmitter(), {
    isTTY,
    columns: 72,
    hasColors: () => true,
    write: (text: string) => written.push(text),
  })
  return { stream, written, failures, outlet: new Outlet(stream, (error) => failures.push(error)) }
}

const failure = (code: string) => Object.assign(new Error(code), { code })

test('passes text on and shows what the stream is', () => {
  const { outlet, written } = setUp()
  outlet.write('a')
  expect([written, outlet.isTTY, outlet.columns, outlet.hasColors()]).toEqual([['a'], true, 72, true])
  expect(setUp(false).outlet.isTTY).toBe(false)
})

describe('without its reader', () => {
  test.each(['EPIPE', 'EIO'])('(%s) it takes text and drops it, as often as the stream complains', (code) => {
    const { stream, outlet, written, failures } = setUp()
    stream.emit('error', failure(code))
    stream.emit('error', failure(code))
    outlet.write('a')
    expect({ written, failures, isTTY: outlet.isTTY }).toEqual({ written: [], failures: [], isTTY: false })
  })

  test('it may be met while writing', () => {
    const { stream, outlet, failures } = setUp()
    stream.write = () => {
      throw failure('EIO')
    }
    outlet.write('a')
    expect(failures).toEqual([])
  })
})

test('another failure is reported once', () => {
  const { stream, failures } = setUp()
  stream.emit('error', failure('ENOSPC'))
  stream.emit('error', failure('ENOSPC'))
  expect(failures.map(({ message }) => message)).toEqual(['ENOSPC'])
})
