import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listCheckpoints, newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { readCheckpoint } from '../../../lib/checkpoint/read.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { disk } from '../../../lib/files/write.ts'
import { type Fault, forEveryFault, type Operation, withFault } from '../../helpers/faults.ts'
import { memoryFolder } from '../../helpers/folder.ts'
import { tally } from '../../helpers/tally.ts'
import { saveRequest, tensorBytes } from '../../helpers/tensors.ts'

/** Loads what a resume would load and compares every byte. */
async function resumePosition(run: string): Promise<number> {
  const { folder, manifest } = await newestValidCheckpoint(run, {
    onSkipped: (line) => expect.unreachable(`a save left a damaged checkpoint: ${line}`),
  })
  const checkpoint = await readCheckpoint(folder, manifest)
  for (const reader of [checkpoint.model, checkpoint.training]) {
    for (const { name } of reader.tensors) expect(await reader.read(name)).toEqual(tensorBytes(name, manifest.images))
  }
  await checkpoint.close()
  return manifest.images
}

/**
 * Saves a third checkpoint with a fault at its n-th operation, for every n. After each: what a resume loads is
 * complete and not older than the last one reported as saved; and saving again succeeds.
 */
async function survive(what: string, fault: Omit<Fault, 'at'>): Promise<number> {
  const before = memoryFolder()
  for (const images of [4, 8]) await saveCheckpoint(before, saveRequest(images, { keep: 2 }))
  const faults = await forEveryFault(async (at) => {
    const run = join(before, `${at}`)
    cpSync(join(before, 'checkpoints'), join(run, 'checkpoints'), { recursive: true })
    const outcome = await withFault({ ...fault, at }, () => saveCheckpoint(run, saveRequest(12, { keep: 2 })))
    expect(await resumePosition(run)).toBeGreaterThanOrEqual(outcome.error ? 8 : 12)
    if (outcome.error) expect(['DISK_FULL', 'FILE_FAILED']).toContain((outcome.error as ShinsakuError).code)
    await saveCheckpoint(run, saveRequest(12, { keep: 2 }))
    expect(await resumePosition(run)).toBe(12)
    expect((await listCheckpoints(run)).map(({ images }) => images)).toEqual([8, 12])
    return outcome
  })
  tally(`Faults of a save: ${what}`, faults, faults)
  return faults
}

describe('a save with a fault at its n-th operation, for every n', () => {
  test('R01, R03, R04, R05: a full disk at a write, EIO at a sync, rename, close or any other', async () => {
    const code = (operation: Operation) => (operation === 'write' ? 'ENOSPC' : 'EIO')
    expect(
      await survive('ENOSPC at the n-th write, EIO at the n-th sync, rename, close, ...', { code }),
    ).toBeGreaterThan(30)
  })

  test('R02: EIO at a write', async () => {
    expect(await survive('EIO at the n-th write', { only: ['write'] })).toBeGreaterThan(4)
  })

  test('R07 in one process: nothing works after it, as after a kill', async () => {
    expect(await survive('the process ends at the n-th operation', { dead: true })).toBeGreaterThan(30)
  })
})

test('R06: every write short, down to a byte', async () => {
  const run = memoryFolder()
  const { write } = disk
  let writes = 0
  disk.write = async (file, bytes) => {
    writes += 1
    return write(file, bytes.subarray(0, Math.max(1, bytes.length >> 3)))
  }
  try {
    await saveCheckpoint(run, saveRequest(4))
  } finally {
    disk.write = write
  }
  expect(writes).toBeGreaterThan(50)
  expect(await resumePosition(run)).toBe(4)
})

test('R14: a read-only file system is a loud failure and changes nothing', async () => {
  const run = memoryFolder()
  await saveCheckpoint(run, saveRequest(4))
  const before = readdirSync(join(run, 'checkpoints'))
  const readOnly = { at: 1, dead: true, code: 'EROFS' } as const
  const { error } = await withFault(readOnly, () => saveCheckpoint(run, saveRequest(8)))
  expect(error).toMatchObject({ code: 'FILE_FAILED', message: expect.stringContaining('EROFS') })
  expect(readdirSync(join(run, 'checkpoints'))).toEqual(before)
})

test('R16: a run folder that was removed is a loud failure, and is not made again without its records', async () => {
  const run = join(memoryFolder(), 'run')
  mkdirSync(run)
  await saveCheckpoint(run, saveRequest(4))
  rmSync(run, { recursive: true })
  await expect(saveCheckpoint(run, saveRequest(8))).rejects.toMatchObject({ code: 'FILE_FAILED' })
  expect(existsSync(run)).toBe(false)
})

test('the first save of a run can fail anywhere without leaving a checkpoint that is not complete', async () => {
  await forEveryFault(async (at) => {
    const run = memoryFolder()
    const outcome = await withFault({ at, dead: true }, () => saveCheckpoint(run, saveRequest(4)))
    const found = await resumePosition(run).catch((error: { code: string }) => error.code)
    expect(outcome.error ? [4, 'RUN_NOT_FOUND'] : [4]).toContain(found)
    return outcome
  })
})
