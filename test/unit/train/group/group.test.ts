import { describe, expect, test } from 'vitest'
import { readLaunch } from '../../../../lib/distributed/environment.ts'
import type { NativeProcessGroup, NativeTrainer } from '../../../../lib/native/addon.ts'
import { addressesOf } from '../../../../lib/train/group/addresses.ts'
import { agree, differences } from '../../../../lib/train/group/agreement.ts'
import { type FollowerDeps, FollowerSession } from '../../../../lib/train/group/follower.ts'
import { Group } from '../../../../lib/train/group/group.ts'
import { leadTrainer } from '../../../../lib/train/group/lead-trainer.ts'
import { comparable, groupText, sharedThreads } from '../../../../lib/train/group/start.ts'

/** Groups over one store in memory, one for each rank. */
function groups(size: number): Group[] {
  const store = new Map<string, Uint8Array>()
  const native = (): NativeProcessGroup => ({
    set: async (key, value) => void store.set(key, value),
    get: async (key) => store.get(key) ?? null,
    remove: async (key) => void store.delete(key),
    fail: async () => {},
    dispose: () => {},
  })
  return Array.from({ length: size }, (_, rank) => {
    const env = { RANK: `${rank}`, WORLD_SIZE: `${size}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: '29500' }
    return new Group(readLaunch(env)!, native())
  })
}

describe('the processes of a group', () => {
  test('agree, or are all refused with the first difference', async () => {
    await Promise.all(groups(3).map((group) => agree(group, 'options', { lr: 1, betas: [0.9, 0.99] })))
    const ends = await Promise.allSettled(
      groups(3).map((group) => agree(group, 'options', { lr: group.launch.rank === 2 ? 2 : 1 })),
    )
    for (const end of ends)
      expect(end).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'PROCESSES_DIFFER',
          message: 'The options of the processes differ:\n  lr: 1 on rank 0, 2 on rank 2',
        },
      })
  })

  test('may be given other places, devices and threads, and nothing else', () => {
    const given = {
      lr: 1,
      data: 'a',
      out: 'b',
      resume: true,
      device: 'cpu',
      threads: 2,
      pixelStore: 'file',
      flip: undefined,
    }
    expect(comparable(given)).toEqual({ lr: 1 })
    expect(differences({ lr: 1, batch: 4 }, { lr: 1, size: 8 })).toEqual([
      'batch: 4 on rank 0, null',
      'size: null on rank 0, 8',
    ])
  })

  test('share the threads of a machine', () => {
    expect(sharedThreads(3, { localSize: 8 })).toBe(3)
    expect(sharedThreads(0, { localSize: 4096 })).toBe(1)
  })

  test('are named in the log with their share of a batch', () => {
    expect(groupText({ launcher: 'Slurm', size: 2 }, { batch: 16 })).toBe(
      'Processes: 2 (Slurm); each computes 8 of the 16 pictures of a batch',
    )
    expect(groupText({ launcher: 'RANK', size: 3 }, { batch: 16 })).toContain('5 or 6 of the 16')
  })

  test('hear of each unit before it begins, and of what changed the trainer since the last one', async () => {
    const [lead, other] = groups(2)
    const calls: string[] = []
    const called = (name: string) => async () => void calls.push(name)
    const trainer = leadTrainer(
      {
        step: async (updates: number) => ({ images: [updates] }),
        synchronize: called('synchronize'),
        load: called('load'),
        endAt: called('endAt'),
      } as unknown as NativeTrainer,
      lead!,
    )
    await trainer.step(3)
    await trainer.step(2)
    await trainer.load([], 'same')
    await trainer.endAt(70)
    expect(await trainer.step(1)).toEqual({ images: [1] })
    const commands = []
    for (let i = 0; i < 6; i++) commands.push(await other!.commands.take())
    expect(commands).toEqual([
      { do: 'synchronize' },
      { do: 'step', updates: 3 },
      { do: 'step', updates: 2 },
      { do: 'endAt', images: 70 },
      { do: 'synchronize' },
      { do: 'step', updates: 1 },
    ])
    expect(calls).toEqual(['synchronize', 'load', 'endAt', 'synchronize'])
  })

  test('save and sample in rank 0 only', async () => {
    const [, other] = groups(2)
    const deps = { group: other!, data: { store: { resident: new Uint8Array(0) } } } as unknown as FollowerDeps
    const session = new FollowerSession(deps)
    for (const call of [session.checkpoint(), session.sample()])
      await expect(call).rejects.toMatchObject({ code: 'DISTRIBUTED_UNSUPPORTED', details: { rank: 1 } })
  })

  test('stop when one of them asks for it', async () => {
    const [lead, other] = groups(2)
    const trainer = leadTrainer(
      { step: async () => ({}), synchronize: async () => {} } as unknown as NativeTrainer,
      lead!,
    )
    await trainer.step(1)
    expect(lead!.stopRequested).toBe(false)
    await other!.tell('stop', true)
    await trainer.step(1)
    await expect.poll(() => lead!.stopRequested).toBe(true)
  })
})

describe('the addresses of a group', () => {
  test('are those of loopback where rank 0 is there', async () => {
    const loopback = { host: '127.0.0.1', listen: '127.0.0.1', address: '127.0.0.1' }
    expect(await addressesOf({ host: 'localhost', port: 29500 }, {})).toEqual(loopback)
    expect(await addressesOf({ host: '127.0.0.1', port: 29500 }, { GLOO_SOCKET_IFNAME: 'lo' })).toEqual(loopback)
  })

  test('are refused where a name or an interface is none', async () => {
    await expect(addressesOf({ host: 'no-such-host.invalid', port: 1 }, {})).rejects.toMatchObject({
      code: 'DISTRIBUTED_INVALID',
      message: expect.stringContaining('no-such-host.invalid'),
    })
    await expect(
      addressesOf({ host: '127.0.0.1', port: 29500 }, { GLOO_SOCKET_IFNAME: 'wire9' }),
    ).rejects.toMatchObject({
      code: 'DISTRIBUTED_INVALID',
      message: expect.stringContaining('wire9'),
    })
  })
})
