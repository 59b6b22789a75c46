/** What may be published: rights on record, and samples that are no copies. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { copyRecordOf, copyText, readEvaluation, requireNew } from '../../../lib/publish/newness.ts'
import { requireRights } from '../../../lib/publish/rights.ts'
import type { DatasetFacts } from '../../../lib/run/dataset-facts.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const known = { licence: 'CC0-1.0', author: null, source: null, count: 8 }
const facts = (over: Partial<DatasetFacts> = {}): DatasetFacts => ({
  data: 'icons',
  count: 8,
  heldOut: 0,
  digest: 'a',
  size: 16,
  channels: 3,
  optOut: 0,
  alike: 0,
  rights: [known],
  moreRights: 0,
  skipped: [],
  ignored: 0,
  ...over,
})
const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

describe('rights', () => {
  test('every picture with a licence passes', () => expect(() => requireRights('run', facts())).not.toThrow())

  test.each<[string, Partial<DatasetFacts>, string]>([
    ['no licence', { rights: [known, { ...known, licence: null, count: 2 }] }, '2 of 8 pictures have no licence'],
    ['too many terms', { moreRights: 3 }, 'the terms of 3 pictures are too many to list'],
    ['an opt-out', { optOut: 1 }, 'the makers of 1 picture forbid training'],
  ])('%s is RIGHTS_UNKNOWN', (_, over, message) => {
    expect(() => requireRights('run', facts(over))).toThrow(refused('RIGHTS_UNKNOWN', message))
  })
})

const share = { value: 0.1, low: 0.05, high: 0.2 }
const report = {
  n: 64,
  copyShare: share,
  copyShareHeldOut: 0.02,
  date: '2026-11-30T00:00:00.000Z',
  verdict: { word: 'copied', because: ['copies'] },
  basis: { reference: { name: 'training pictures', count: 8 }, extractor: null },
}

/** A run with these looks of the guard, and this evaluation of its checkpoint. */
function runWith(looks: [images: number, value: number | null][], evaluation?: unknown): string {
  const run = temporaryFolder()
  const guard = { weights: 'raw', gaps: [], copyShareHeldOut: null, pixels: 16, seconds: 1, warned: [] }
  const lines = looks.map(([images, value]) =>
    JSON.stringify({
      images,
      guard: { ...guard, copyShare: value === null ? null : { value, low: 0, high: 1, n: 32 } },
    }),
  )
  writeFileSync(join(run, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''))
  const folder = join(run, 'evaluation', '000000100')
  mkdirSync(folder, { recursive: true })
  if (evaluation !== undefined) writeFileSync(join(folder, 'report.json'), JSON.stringify(evaluation))
  return run
}

const recordOf = async (run: string) => copyRecordOf(run, 100, await readEvaluation(run, '000000100'))

describe('copies', () => {
  test('the evaluation of the checkpoint counts first', async () => {
    const record = await recordOf(runWith([[90, 0]], report))
    expect(record).toMatchObject({ share, heldOut: 0.02, n: 64 })
    expect(copyText(record!)).toBe(
      '10.0 % (5.0 % to 20.0 %) of 64 samples are copies of a training picture, by the evaluation of this checkpoint',
    )
  })

  test('then the newest look of the guard up to the checkpoint', async () => {
    const looks: [number, number][] = [
      [50, 0.5],
      [100, 0.25],
      [150, 0],
    ]
    expect(await recordOf(runWith(looks))).toMatchObject({ share: { value: 0.25 }, n: 32 })
    const undecided = { ...report, copyShare: null }
    expect(await recordOf(runWith(looks, undecided))).toMatchObject({ share: { value: 0.25 } })
  })

  test('nobody has looked, or could tell: COPIES_UNCHECKED', async () => {
    for (const looks of [[], [[100, null]], [[150, 0]]] as [number, number | null][][])
      expect(await recordOf(runWith(looks))).toBeUndefined()
    expect(() => requireNew('run', undefined, 0.05)).toThrow(refused('COPIES_UNCHECKED', 'nobody has looked'))
  })

  test('above the limit, or above what held-out pictures show: COPIES_FOUND', () => {
    const record = { share, heldOut: null, n: 64, by: 'somebody' }
    expect(() => requireNew('run', record, 0.05)).toThrow(refused('COPIES_FOUND', 'above 5.0 %'))
    expect(() => requireNew('run', record, 0.1)).not.toThrow()
    expect(() => requireNew('run', { ...record, heldOut: 0.12 }, 0.05)).not.toThrow()
  })

  test('a damaged evaluation is RUN_INVALID', async () => {
    const run = runWith([], { n: 'many' })
    await expect(readEvaluation(run, '000000100')).rejects.toMatchObject({ code: 'RUN_INVALID' })
  })
})
