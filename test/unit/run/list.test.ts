import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lastMetrics, listRuns, newestRun } from '../../../lib/run/list.ts'
import { lockRun } from '../../../lib/run/lock.ts'
import { fakeRun } from '../../helpers/fake-run.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

describe('newestRun()', () => {
  test('is the one that did something last, of those with a checkpoint', async () => {
    const out = temporaryFolder()
    fakeRun(join(out, '00002-older'), { ageSeconds: 100 })
    const newest = fakeRun(join(out, '00001-resumed'), { ageSeconds: 10 })
    fakeRun(join(out, '00003-begun'), { saved: false })
    mkdirSync(join(out, 'other'))
    writeFileSync(join(out, 'file'), '')
    expect(await newestRun(out)).toBe(newest)
  })

  test.each(['', 'none'])('RUN_NOT_FOUND where there is none: %j', async (name) => {
    await expect(newestRun(join(temporaryFolder(), name))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  test('FILE_FAILED where the folder is a file', async () => {
    const file = join(temporaryFolder(), 'runs')
    writeFileSync(file, '')
    await expect(newestRun(file)).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await expect(listRuns(file)).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})

describe('listRuns()', () => {
  test('shows what is damaged with what can be known of it, and who is training', async () => {
    const out = temporaryFolder()
    const damaged = fakeRun(join(out, '00000-damaged'), { images: 40, metrics: 'null\n{"images": 32, "los' })
    writeFileSync(join(damaged, 'config.json'), '{')
    const training = fakeRun(join(out, '00001-training'), { ageSeconds: 60 })
    const lock = await lockRun(training)
    try {
      expect(await listRuns(out)).toMatchObject([
        { run: damaged, model: 'unknown', size: null, images: 40, loss: null, training: false },
        { run: training, training: true, updated: expect.stringMatching(/^\d{4}-.*Z$/) },
      ])
    } finally {
      await lock.release()
    }
  })

  test('counts the bytes of all files', async () => {
    const out = temporaryFolder()
    const run = fakeRun(join(out, '00000-a'), {})
    const [before] = await listRuns(out)
    writeFileSync(join(run, 'checkpoints', '000000008', 'model'), new Uint8Array(5000))
    const [after] = await listRuns(out)
    expect(after!.bytes - before!.bytes).toBe(5000)
  })
})

test('the newest whole line of metrics counts, however long the file is', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `{"images": ${i}, "loss": ${i / 2}, "elapsedSeconds": ${i}}\n`)
  const run = fakeRun(join(temporaryFolder(), 'run'), { metrics: `${lines.join('')}{"images": 9999, "lo` })
  expect(await lastMetrics(run, 'loss')).toEqual({ images: 4999, loss: 2499.5, elapsedSeconds: 4999 })
  expect(await lastMetrics(run, 'lossG')).toMatchObject({ loss: null })
  expect(await lastMetrics(temporaryFolder(), 'loss')).toBeUndefined()
})
