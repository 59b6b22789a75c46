/** What is decoded at one time: as much as fits, in the order of coming, or one thing alone. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { decodingBytes, type FileKind, Gate } from '../../../lib/images/decode-gate.ts'

/** Work that ends when it is told to. */
function works(gate: Gate) {
  const running: string[] = []
  const ends = new Map<string, () => void>()
  const begin = (name: string, work: (job: () => Promise<void>) => Promise<void>) =>
    work(async () => {
      running.push(name)
      await new Promise<void>((end) => ends.set(name, end))
      running.splice(running.indexOf(name), 1)
    })
  return {
    running,
    add: (name: string, bytes: number) => begin(name, (job) => gate.run(bytes, job)),
    alone: (name: string) => begin(name, (job) => gate.alone(job)),
    end: async (name: string) => {
      ends.get(name)!()
      await turn()
    },
  }
}

test('what fits runs, in the order of coming; what is larger than all runs by itself', async () => {
  const { running, add, end } = works(new Gate(10))
  const all = [add('a', 6), add('b', 4), add('c', 50), add('d', 1)]
  await turn()
  expect(running).toEqual(['a', 'b'])
  await end('a')
  // d would fit, but c came before it.
  expect(running).toEqual(['b'])
  await end('b')
  expect(running).toEqual(['c'])
  await end('c')
  expect(running).toEqual(['d'])
  await end('d')
  await Promise.all(all)
})

test('what runs alone waits for all, and all for it; work of no bytes counts too', async () => {
  const { running, add, alone, end } = works(new Gate(10))
  const all = [add('a', 0), alone('b'), add('c', 0)]
  await turn()
  expect(running).toEqual(['a'])
  await end('a')
  expect(running).toEqual(['b'])
  await end('b')
  expect(running).toEqual(['c'])
  await end('c')
  await Promise.all(all)
})

test('a failure gives its room back', async () => {
  const gate = new Gate(1)
  await expect(gate.run(1, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await gate.alone(async () => 'next')).toBe('next')
})

test('what a file takes while it is decoded grows with its pixels, by its kind', () => {
  const file = (format: string, over: Partial<FileKind> = {}) =>
    decodingBytes({ width: 8000, height: 8000, format, depth: 'uchar', ...over })
  expect(file('jpeg')).toBeLessThan(32e6)
  expect(file('jpeg', { orientation: 6 })).toBe(file('jpeg'))
  expect(file('jpeg', { isProgressive: true })).toBeGreaterThan(4e8)
  expect(file('heif')).toBeGreaterThan(1.2e9)
  expect(file('png', { depth: 'ushort' })).toBe(2 * file('png'))
  expect(file('png', { orientation: 6 })).toBeGreaterThan(file('png'))
  expect(file('png', { height: 4000 })).toBe(file('png') / 2)
})
