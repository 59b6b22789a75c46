import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { listCheckpoints, newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { readCheckpoint } from '../../../lib/checkpoint/read.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { requireSpace, requireSpaceBelow } from '../../../lib/checkpoint/space.ts'
import { verifyCheckpoint } from '../../../lib/checkpoint/verify.ts'
import { ShinsakuError } from '../../../lib/errors.ts'
import { measure } from '../../../lib/files/read.ts'
import { recorded, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { saveRequest, tensorBytes, trainerTensors } from '../../helpers/tensors.ts'

const positions = async (run: string) => (await listCheckpoints(run)).map(({ images }) => images)

describe('saving', () => {
  test('everything comes back, each tensor from the file it belongs to', async () => {
    const run = temporaryFolder()
    const { folder, bytes } = await saveCheckpoint(run, saveRequest(128))
    expect(folder).toBe(join(run, 'checkpoints', '000000128'))
    expect(readdirSync(folder).sort()).toEqual([
      'manifest.json',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ])
    expect(JSON.parse(readFileSync(join(run, 'checkpoints', 'latest.json'), 'utf8'))).toEqual({
      images: 128,
      folder: '000000128',
    })
    const checkpoint = await readCheckpoint(folder)
    expect(checkpoint.state).toEqual(saveRequest(128).state)
    expect(checkpoint.model.tensors.map(({ name }) => name).sort()).toEqual([
      'ema.initted',
      'ema.model.weight',
      'model.weight',
    ])
    expect(checkpoint.training.tensors.map(({ name }) => name).sort()).toEqual([
      'optimizer.exp_avg.model.weight',
      'optimizer.step',
      'progress.order',
      'random.cpu',
    ])
    for (const reader of [checkpoint.model, checkpoint.training]) {
      for (const { name } of reader.tensors) expect(await reader.read(name)).toEqual(tensorBytes(name, 128))
    }
    await checkpoint.close()
    expect(checkpoint.manifest).toMatchObject({ format: 2, origin: saveRequest(128).origin })
    for (const [name, written] of Object.entries(checkpoint.manifest.files))
      expect(await measure(join(folder, name))).toEqual(written)
    expect(bytes).toBe(Object.values(checkpoint.manifest.files).reduce((sum, file) => sum + file.bytes, 0))
  })

  test('R15, R19: every file is synced, beside its final place, before the name moves, the name before latest, latest before anything is deleted', async () => {
    const run = temporaryFolder()
    await saveCheckpoint(run, saveRequest(4, { keep: 1 }))
    const log = await recorded(() => saveCheckpoint(run, saveRequest(8, { keep: 1 })))
    const temporary = /\.tmp-000000008-\d+/
    const expected = [
      new RegExp(`^sync ${temporary.source}/model.safetensors$`),
      new RegExp(`^sync ${temporary.source}/optimizer.safetensors$`),
      new RegExp(`^sync ${temporary.source}/state.json$`),
      new RegExp(`^sync ${temporary.source}/manifest.json$`),
      new RegExp(`^sync checkpoints/${temporary.source}$`),
      /^rename checkpoints\/000000008$/,
      /^sync .*\/checkpoints$/,
      /^sync checkpoints\/\.tmp-.*latest.json$/,
      /^rename checkpoints\/latest.json$/,
      /^sync .*\/checkpoints$/,
      /^rename checkpoints\/\.tmp-old-000000004$/,
      /^remove checkpoints\/\.tmp-old-000000004$/,
    ]
    const own = log.slice(log.findIndex((line) => line.includes('model.safetensors')))
    expect(own).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  })

  test('a complete checkpoint of the same position is kept as it is', async () => {
    const run = temporaryFolder()
    const first = await saveCheckpoint(run, saveRequest(128))
    const readTensor = vi.fn()
    expect(await saveCheckpoint(run, saveRequest(128, { readTensor }))).toEqual(first)
    expect(readTensor).not.toHaveBeenCalled()
  })

  test('a damaged checkpoint of the same position is moved aside, not deleted', async () => {
    const run = temporaryFolder()
    const { folder } = await saveCheckpoint(run, saveRequest(128))
    writeFileSync(join(folder, 'state.json'), '{}')
    const lines: string[] = []
    await saveCheckpoint(run, saveRequest(128, { onWarning: (line) => lines.push(line) }))
    await verifyCheckpoint(folder)
    expect(lines).toEqual([expect.stringMatching(/state\.json has 2 bytes.*moved to .*000000128\.damaged-\d+/)])
    expect(readdirSync(join(run, 'checkpoints')).filter((name) => name.includes('damaged'))).toHaveLength(1)
    expect(await positions(run)).toEqual([128])
  })

  test('what an earlier process left unfinished is deleted', async () => {
    const run = temporaryFolder()
    await fs.mkdir(join(run, 'checkpoints', '.tmp-000000064-1'), { recursive: true })
    await saveCheckpoint(run, saveRequest(128))
    expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['000000128', 'latest.json'])
  })

  test('a state that could not be read back is not saved', async () => {
    const run = temporaryFolder()
    const request = saveRequest(128)
    const state = { ...request.state, pending: { count: 1, sums: { loss: Number.NaN } } }
    await expect(saveCheckpoint(run, { ...request, state })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('pending.sums.loss'),
    })
    expect(await positions(run)).toEqual([])
  })

  test('what the trainer throws comes through and leaves nothing', async () => {
    const run = temporaryFolder()
    const error = new ShinsakuError('NATIVE_FAILED', 'no')
    const readTensor = async (name: string) => {
      if (name === 'optimizer.step') throw error
      return tensorBytes(name, 128)
    }
    await expect(saveCheckpoint(run, saveRequest(128, { readTensor }))).rejects.toBe(error)
    expect(readdirSync(join(run, 'checkpoints'))).toEqual([])
  })
})

describe('keeping', () => {
  test('R18: 50 saves with keep 3 leave the newest three, by number', async () => {
    const run = temporaryFolder()
    for (let save = 1; save <= 50; save++) await saveCheckpoint(run, saveRequest(save * 25_000_000))
    expect(await positions(run)).toEqual([1_200_000_000, 1_225_000_000, 1_250_000_000])
    expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual([
      '1200000000',
      '1225000000',
      '1250000000',
      'latest.json',
    ])
  })

  test('keep 1 keeps the one just saved; Infinity keeps all', async () => {
    const run = temporaryFolder()
    for (const images of [4, 8, 12]) await saveCheckpoint(run, saveRequest(images, { keep: Number.POSITIVE_INFINITY }))
    expect(await positions(run)).toEqual([4, 8, 12])
    await saveCheckpoint(run, saveRequest(16, { keep: 1 }))
    expect(await positions(run)).toEqual([16])
  })

  test('damaged checkpoints do not count, and newer ones are left alone', async () => {
    const run = temporaryFolder()
    for (const images of [4, 8, 12, 16]) await saveCheckpoint(run, saveRequest(images, { keep: 9 }))
    for (const images of [12, 16]) writeFileSync(join(run, 'checkpoints', `0000000${images}`, 'model.safetensors'), '')
    await saveCheckpoint(run, saveRequest(14, { keep: 2 }))
    expect(await positions(run)).toEqual([8, 12, 14, 16])
    expect((await newestValidCheckpoint(run)).manifest.images).toBe(14)
  })

  test('R18: an old checkpoint that cannot be deleted is a warning', async () => {
    const run = temporaryFolder()
    await saveCheckpoint(run, saveRequest(4))
    const lines: string[] = []
    const save = () => saveCheckpoint(run, saveRequest(8, { keep: 1, onWarning: (line) => lines.push(line) }))
    const { error, fired } = await withFault({ at: 1, only: ['remove'] }, save)
    expect([error, fired]).toEqual([undefined, true])
    expect(lines).toEqual([expect.stringContaining('could not be deleted')])
    expect(await positions(run)).toEqual([8])
  })
})

describe('free space', () => {
  test('is looked at before the first byte is written', async () => {
    const folder = temporaryFolder()
    await requireSpace(folder, 0)
    await expect(requireSpace(folder, 2 ** 60)).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { bytes: 2 ** 60 },
    })
    await expect(requireSpace(join(folder, 'missing'), 0)).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await requireSpaceBelow(join(folder, 'not', 'yet'), 0)
    await expect(requireSpaceBelow(join(folder, 'not', 'yet'), 2 ** 60)).rejects.toMatchObject({ code: 'DISK_FULL' })
    const run = temporaryFolder()
    const huge = { name: 'model.huge', dtype: 'U8', shape: [2 ** 50] }
    const readTensor = vi.fn()
    await expect(
      saveCheckpoint(run, saveRequest(4, { tensors: [...trainerTensors, huge], readTensor })),
    ).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(readTensor).not.toHaveBeenCalled()
    expect(existsSync(join(run, 'checkpoints', '000000004'))).toBe(false)
  })
})
