import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listCheckpoints, newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { readCheckpoint } from '../../../lib/checkpoint/read.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { type Fault, forEveryFault, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
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
async function survive(fault: Omit<Fault, 'at'>, expectedCode: string): Promise<number> {
  const before = temporaryFolder()
  for (const images of [4, 8]) await saveCheckpoint(before, saveRequest(images, { keep: 2 }))
  return forEveryFault(async (at) => {
    const run = join(before, `${at}`)
    cpSync(join(before, 'checkpoints'), join(run, 'checkpoints'), { recursive: true })
    const outcome = await withFault({ ...fault, at }, () => saveCheckpoint(run, saveRequest(12, { keep: 2 })))
    expect(await resumePosition(run)).toBeGreaterThanOrEqual(outcome.error ? 8 : 12)
    if (outcome.error) expect(outcome.error).toMatchObject({ code: expectedCode })
    await saveCheckpoint(run, saveRequest(12, { keep: 2 }))
    expect(await resumePosition(run)).toBe(12)
    expect((await listCheckpoints(run)).map(({ images }) => images)).toEqual([8, 12])
    return outcome
  })
}

describe('a save with a fault at its n-th operation, for every n', () => {
  test('one operation fails', async () => {
    expect(await survive({ code: 'ENOSPC' }, 'DISK_FULL')).toBeGreaterThan(30)
  })

  test('one operation fails and none works after it, as after a kill', async () => {
    expect(await survive({ dead: true }, 'FILE_FAILED')).toBeGreaterThan(30)
  })
})

test('the first save of a run can fail anywhere without leaving a checkpoint that is not complete', async () => {
  await forEveryFault(async (at) => {
    const run = temporaryFolder()
    const outcome = await withFault({ at, dead: true }, () => saveCheckpoint(run, saveRequest(4)))
    const found = await resumePosition(run).catch((error: { code: string }) => error.code)
    expect(outcome.error ? [4, 'RUN_NOT_FOUND'] : [4]).toContain(found)
    return outcome
  })
})
