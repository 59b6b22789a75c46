/** Which operations train is on record; a run keeps to those of the reference until "exact" may differ. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type TrainCall, train } from '../../lib/index.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { errorOf, jsonIn, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(8)
let fastest: string
beforeAll(async () => {
  fastest = (await (await loadAddon()).info()).cpuOps[0] ?? 'reference'
})

const recordOf = (run: string) => jsonIn(run, 'environment.json')

/** Goes on for 8 images; resolves with the set on record and the log. */
async function resumeRun(run: string, maxImages: number, more: TrainCall = {}) {
  const lines: string[] = []
  await train({ resume: run, data, device: 'cpu', maxImages, onLog: (line) => lines.push(line), ...more })
  return { ops: recordOf(run).ops, log: lines.join('\n') }
}

test('the fastest set trains and is on record', async () => {
  const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
  expect(recordOf(run)).toMatchObject({ ops: fastest, samplingOps: fastest })
  const { ops, log } = await resumeRun(run, 16)
  expect(ops).toBe(fastest)
  expect(log).toContain(`operations: ${fastest} to train`)
})

test('exact is the reference, and changes only where it is allowed to', async () => {
  const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
  const refused = await errorOf(resumeRun(run, 16, { exact: true }))
  expect(refused).toMatchObject({ code: 'RESUME_MISMATCH', details: { changed: ['exact'] } })
  const { ops, log } = await resumeRun(run, 16, { exact: true, allowChanges: ['exact'] })
  expect(ops).toBe('reference')
  if (fastest !== 'reference') expect(log).toContain(`Changed: operations that train: ${fastest} then, reference now`)
  const back = await resumeRun(run, 24, { exact: false, allowChanges: ['exact'] })
  expect(back.ops).toBe(fastest)
})

test('a run on record with the reference stays with it, unless "exact" may differ', async () => {
  const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
  // As older versions wrote it, whose default drew with the fastest set and trained with the reference.
  writeFileSync(join(run, 'environment.json'), JSON.stringify({ ...recordOf(run), ops: 'reference' }))
  for (const maxImages of [16, 24]) {
    const { ops, log } = await resumeRun(run, maxImages)
    expect(ops).toBe('reference')
    if (fastest !== 'reference') expect(log).toContain('stays with them')
  }
  expect(recordOf(run).samplingOps).toBe(fastest)
  expect((await resumeRun(run, 32, { allowChanges: ['exact'] })).ops).toBe(fastest)
})
