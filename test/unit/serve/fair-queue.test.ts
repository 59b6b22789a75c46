/** Turns of clients by cost: one that asks for much waits for itself, not the others. */
import { expect, test } from 'vitest'
import { networkOf } from '../../../lib/serve/clients.ts'
import { FairQueue } from '../../../lib/serve/fair-queue.ts'

const takeAll = (queue: FairQueue<string>): string[] => {
  const taken: string[] = []
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item)
  return taken
}

test('clients take turns, and the own pictures of each come in order', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push('a', item, 1)
  for (const item of ['b1', 'b2']) queue.push('b', item, 1)
  expect([queue.size, queue.cost]).toEqual([6, 6])
  expect(takeAll(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  expect([queue.size, queue.cost]).toEqual([0, 0])
})

test('a picture of many steps counts for as many', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2']) queue.push('a', item, 10)
  for (const item of ['b1', 'b2', 'b3']) queue.push('b', item, 1)
  expect(takeAll(queue)).toEqual(['a1', 'b1', 'b2', 'b3', 'a2'])
})

test('who was away has saved nothing up', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push('a', item, 1)
  expect([queue.take(), queue.take()]).toEqual(['a1', 'a2'])
  for (const item of ['b1', 'b2', 'b3']) queue.push('b', item, 1)
  expect(takeAll(queue)).toEqual(['b1', 'a3', 'b2', 'a4', 'b3'])
})

test('what is removed is not taken, and only once', () => {
  const queue = new FairQueue<string>()
  queue.push('a', 'a1', 2)
  queue.push('a', 'a2', 3)
  expect([queue.remove('a', 'a1'), queue.remove('a', 'a1'), queue.remove('b', 'a2')]).toEqual([true, false, false])
  expect([...queue]).toEqual(['a2'])
  expect([queue.size, queue.cost, queue.take(), queue.take()]).toEqual([1, 3, 'a2', undefined])
})

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:0001::7', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['somebody', 'somebody'],
])('the client at %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
