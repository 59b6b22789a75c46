import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../../lib/cli/free-port.ts'
import type { NativeProcessGroup, Spec } from '../../lib/native/addon.ts'
import { loadNative } from '../../lib/native/load.ts'
import { drawnPixels, smallSpec } from '../helpers/specs.ts'

const { addon } = await loadNative()
const open: NativeProcessGroup[] = []
afterEach(() => {
  for (const group of open.splice(0)) group.dispose()
})

const specOf = (port: number, over: Spec = {}): Spec => ({
  rank: 0,
  size: 1,
  host: '127.0.0.1',
  port,
  listen: '127.0.0.1',
  agentStore: false,
  prefix: 'test',
  address: '127.0.0.1',
  timeout: 2,
  joinTimeout: 1,
  ...over,
})

async function meet(spec: Spec): Promise<NativeProcessGroup> {
  const group = await addon.processGroup(spec)
  open.push(group)
  return group
}

/** Addresses that something listens on at `port`, as the kernel writes them: little-endian hexadecimal. */
function listeners(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n'))
  return lines
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local, , state]) => (state === '0A' && local?.endsWith(`:${hex}`) ? [local.split(':')[0]!] : []))
}

describe('a process group', () => {
  test('listens on the address it is given and nowhere else', async () => {
    const port = await freePort()
    await meet(specOf(port))
    expect(listeners(port)).toEqual(['0100007F'])
  })

  test('keeps bytes under keys', async () => {
    const group = await meet(specOf(await freePort()))
    await group.set('a', Uint8Array.of(1, 2))
    expect([...(await group.get('a', 0))!]).toEqual([1, 2])
    await group.remove('a')
    expect(await group.get('a', 0.01)).toBeNull()
  })

  test('says who left and why', async () => {
    const group = await meet(specOf(await freePort()))
    await group.fail('a disk is full')
    await expect(group.get('nothing', 0)).rejects.toMatchObject({
      code: 'PROCESS_LOST',
      message: expect.stringContaining('rank 0 of the 1 is lost: a disk is full'),
      details: { rank: 0 },
    })
  })

  test('names those who do not come', async () => {
    const port = await freePort()
    await expect(addon.processGroup(specOf(port, { size: 3 }))).rejects.toMatchObject({
      code: 'PROCESS_LOST',
      message: expect.stringContaining('ranks 1, 2 of 3 did not come within 1 s'),
    })
  })

  test('is refused where its port is taken, or its address is none', async () => {
    const port = await freePort()
    await meet(specOf(port))
    await expect(addon.processGroup(specOf(port))).rejects.toMatchObject({
      code: 'DISTRIBUTED_INVALID',
      message: expect.stringContaining(`MASTER_PORT ${port}`),
    })
    await expect(addon.processGroup(specOf(port, { listen: 'here' }))).rejects.toMatchObject({
      code: 'DISTRIBUTED_INVALID',
    })
  })

  test('does not meet the keys of an earlier attempt', async () => {
    const port = await freePort()
    const first = await meet(specOf(port))
    await first.fail('it was long ago')
    const { listen: _, ...client } = specOf(port, { prefix: 'again', agentStore: true })
    const second = await meet(client)
    expect(await second.get('nothing', 0)).toBeNull()
  })

  test('of one computes the bits of a process alone', async () => {
    const group = await meet(specOf(await freePort()))
    const images = await addon.images(drawnPixels(6, 16, 3), [6, 16, 16, 3], 'cpu')
    const spec = smallSpec({ batch: 4 })
    const alone = await addon.trainer(spec, images)
    const together = await addon.trainer(spec, images, group)
    await together.synchronize()
    expect(await together.step(3)).toEqual(await alone.step(3))
    for (const { name } of await alone.tensors()) expect(await together.tensor(name)).toEqual(await alone.tensor(name))
    for (const handle of [images, alone, together]) handle.dispose()
  })
})
