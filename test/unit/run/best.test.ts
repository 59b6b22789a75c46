import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { bestCheckpoint } from '../../../lib/run/best.ts'
import { checkMetrics } from '../../../lib/run/checks.ts'
import { type GuardRecord, guardScalars, readGuardLooks } from '../../../lib/run/guard-records.ts'
import { truncateMetrics } from '../../../lib/run/metrics.ts'
import { locateTrained } from '../../../lib/run/trained.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { saveRequest } from '../../helpers/tensors.ts'

const look = (warned: GuardRecord['warned'] = []): GuardRecord => ({
  weights: 'ema',
  gaps: [{ name: 'logSnr0', train: 1, heldOut: 2, value: 1, low: 0.5, high: 1.5, n: 16 }],
  copyShare: { value: 0.1, low: 0, high: 0.2, n: 64 },
  copyShareHeldOut: null,
  pixels: 32,
  seconds: 1,
  warned,
})

/** A run with checkpoints at these images, and lines of its guard. */
async function makeRun(checkpoints: readonly number[], looks: Readonly<Record<number, GuardRecord>>): Promise<string> {
  const run = temporaryFolder()
  for (const images of checkpoints) await saveCheckpoint(run, saveRequest(images, { keep: 100 }))
  const lines = checkpoints.flatMap((images) => [
    { images, loss: 1 },
    ...(looks[images] ? [{ images, guard: looks[images] }] : []),
  ])
  writeFileSync(join(run, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return run
}

describe('the best checkpoint', () => {
  test('is the last one before the first warning of copies', async () => {
    const run = await makeRun([4, 8, 12, 16], { 4: look(), 8: look(['gap']), 12: look(['copies']), 16: look() })
    expect(await bestCheckpoint(run)).toMatchObject({
      manifest: { images: 8 },
      note: expect.stringMatching(/warned of copies, at 12/),
    })
    expect(await locateTrained(run, 'best')).toMatchObject({ run, manifest: { images: 8 } })
  })

  test('is the last one before a gap where copies cannot be told', async () => {
    const run = await makeRun([4, 8, 12], { 8: { ...look(['gap']), copyShare: null } })
    expect(await bestCheckpoint(run)).toMatchObject({ manifest: { images: 4 } })
  })

  test('is the newest where there was no warning, and where nobody looked; it says which', async () => {
    const run = await makeRun([4, 8], { 4: look() })
    expect(await bestCheckpoint(run)).toMatchObject({
      manifest: { images: 8 },
      note: expect.stringContaining('in 1 looks'),
    })
    const unguarded = await makeRun([4, 8], {})
    expect(await bestCheckpoint(unguarded)).toMatchObject({
      manifest: { images: 8 },
      note: expect.stringContaining('has not looked'),
    })
  })

  test('is the oldest where none from before the warning is left', async () => {
    const run = await makeRun([8, 12], { 8: look(['copies']) })
    expect(await bestCheckpoint(run)).toMatchObject({
      manifest: { images: 8 },
      note: expect.stringContaining('the oldest'),
    })
  })

  test('of a single checkpoint cannot be asked for, nor one at other images', async () => {
    const run = await makeRun([8, 12], {})
    const folder = join(run, 'checkpoints', '000000008')
    await expect(locateTrained(folder, 'best')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect(await locateTrained(folder, 8)).toMatchObject({ manifest: { images: 8 } })
    expect(await locateTrained(run, 8)).toMatchObject({ manifest: { images: 8 } })
    await expect(locateTrained(run, 9)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('its record in metrics.jsonl', () => {
  test('is read back, may stand at the images of the line before it, and goes with a resume', async () => {
    const run = await makeRun([4, 8], { 4: look(), 8: look(['gap']) })
    expect(await readGuardLooks(run)).toEqual([
      { images: 4, guard: look() },
      { images: 8, guard: look(['gap']) },
    ])
    expect(await checkMetrics(join(run, 'metrics.jsonl'))).toMatchObject({ state: 'whole', detail: '4 lines' })
    await truncateMetrics(join(run, 'metrics.jsonl'), 4)
    expect(await readGuardLooks(run)).toHaveLength(1)
    expect(await readGuardLooks(temporaryFolder())).toEqual([])
  })

  test('that is damaged is an error with its line; one that a kill cut short is not', async () => {
    const run = await makeRun([4], { 4: look() })
    const path = join(run, 'metrics.jsonl')
    appendFileSync(path, '{"images":8,"guard":{"weights":"em')
    expect(await readGuardLooks(run)).toHaveLength(1)
    appendFileSync(path, '\n')
    await expect(readGuardLooks(run)).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining('Line 3 of'),
    })
    writeFileSync(path, '{"images":8,"guard":{"weights":"best"}}\n')
    await expect(bestCheckpoint(run)).rejects.toMatchObject({ code: 'RUN_INVALID' })
  })

  test('is scalars for TensorBoard', () => {
    expect(guardScalars(look())).toMatchObject({
      'guard/copyShare': 0.1,
      'guard/copyShare/high': 0.2,
      'guard/gap/logSnr0': 1,
      'guard/gap/logSnr0/low': 0.5,
      'guard/heldOut/logSnr0': 2,
      'guard/train/logSnr0': 1,
    })
  })
})
