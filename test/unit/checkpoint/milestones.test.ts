import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkpointAt, listCheckpoints, newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { countMilestones, milestonesAmong } from '../../../lib/checkpoint/milestones.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { saveRequest } from '../../helpers/tensors.ts'

const positions = async (run: string) => (await listCheckpoints(run)).map(({ images }) => images)

describe('the first checkpoint of each doubling', () => {
  test('is found whatever comes between', () => {
    expect([...milestonesAmong([16, 20, 31, 32, 40, 70, 127, 129])]).toEqual([16, 32, 70, 129])
    expect([...milestonesAmong([0, 1, 2])]).toEqual([0, 2])
    expect([...milestonesAmong([])]).toEqual([])
  })

  test('of the latest eight doublings, so that their number is bounded', () => {
    const all = Array.from({ length: 20 }, (_, i) => 2 ** i)
    expect([...milestonesAmong(all)]).toEqual(all.slice(-8))
    expect(countMilestones({ checkpointImages: 1, maxImages: 1e9 })).toBe(8)
    expect(countMilestones({ checkpointImages: 16_000, maxImages: 64_000 })).toBe(3)
    expect(countMilestones({ checkpointImages: 16_000, maxImages: 100 })).toBe(1)
  })
})

describe('saving', () => {
  const save = async (run: string, list: readonly number[], before?: number) => {
    for (const images of list) await saveCheckpoint(run, saveRequest(images, { keep: 2, milestones: { before } }))
  }

  test('leaves them beside the newest', async () => {
    const run = temporaryFolder()
    await save(run, [4, 6, 8, 10, 12, 14, 16, 18, 20, 22])
    expect(await positions(run)).toEqual([4, 8, 16, 20, 22])
  })

  test('and the last one before a warning', async () => {
    const run = temporaryFolder()
    await save(run, [4, 6, 8, 10, 12])
    await save(run, [14, 18, 22, 26], 13)
    expect(await positions(run)).toEqual([4, 8, 12, 18, 22, 26])
  })

  test('a damaged one does not stand for its doubling', async () => {
    const run = temporaryFolder()
    await save(run, [8])
    rmSync(join(run, 'checkpoints', '000000008', 'model.safetensors'))
    await save(run, [9, 10, 11, 12])
    expect(await positions(run)).toEqual([9, 11, 12])
  })

  test('without them only the newest stay', async () => {
    const run = temporaryFolder()
    for (const images of [4, 8, 16]) await saveCheckpoint(run, saveRequest(images, { keep: 1 }))
    expect(await positions(run)).toEqual([16])
  })
})

test('one is found by its images, or there is a list of those that there are', async () => {
  const run = temporaryFolder()
  for (const images of [4, 8]) await saveCheckpoint(run, saveRequest(images))
  expect((await checkpointAt(run, 4)).manifest.images).toBe(4)
  expect((await newestValidCheckpoint(run, { upTo: 7 })).manifest.images).toBe(4)
  await expect(checkpointAt(run, 5)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('there are: 4, 8'),
  })
  await expect(checkpointAt(temporaryFolder(), 5)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
})
