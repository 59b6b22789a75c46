/** Tables of a study: every number with its interval, what is missing with its reason, nothing that a name could break. */
import { expect, test } from 'vitest'
import type { Judgement } from '../../../lib/evaluate/metrics.ts'
import { resolveOnly } from '../../../lib/options/resolve.ts'
import { studySpecs } from '../../../lib/options/study.ts'
import type { StudyRow } from '../../../lib/study/result.ts'
import { show, tablesOf } from '../../../lib/study/tables.ts'

const judgement: Judgement = {
  fid: 41.234,
  kid: { value: 0.00123, low: 0.001, high: 0.0015 },
  mind: null,
  swd: 3.5,
  precision: 0.9,
  recall: { value: 0.5, low: 0.4, high: 0.6 },
  density: 1,
  coverage: 1,
  authPct: 70,
  nnMae: 21,
  nnMaeTrain: 25,
  nwi: -20.2,
  copyShare: { value: 0.25, low: 0.2, high: 0.3 },
  copyShareHeldOut: 0,
  n: 64,
  reasons: { mind: 'There is no network' },
  basis: {
    samples: { count: 64, size: 32, format: 'png' },
    reference: { name: 'training pictures', count: 142 },
    heldOut: { count: 16 },
    extractor: { name: 'inception', sha256: '6726825d0af5', width: 2048 },
    nwi: { mae: 21, fid: 41.2, channelSum: 22 },
    spread: 1,
    intervals: {},
  },
  floor: { pictures: 71, fid: 30, kid: 0.0001, mind: null, swd: 1 },
  versusHeldOut: { fid: 60, kid: 0.002, mind: null, swd: 4, nnMae: 24 },
  verdict: { word: 'copied', because: [] },
}

const row: StudyRow = {
  method: 'diffusion',
  label: 'Diffusion',
  open: ['batch', 'lr'],
  run: 'runs/1',
  images: 1600,
  seconds: 60,
  judgement,
  failure: null,
  report: 'report.html',
}
const options = resolveOnly(studySpecs, { minutes: 5 })

test('a number has its interval, KID is quoted times 1000, a missing one is a dash', () => {
  expect(show({ value: 0.00123, low: 0.001, high: 0.0015 }, 1000)).toBe('1.23 (1 to 1.5)')
  expect(show(41.234)).toBe('41.2')
  expect(show(0)).toBe('0')
  expect(show(null)).toBe('–')
})

test('table 2 has a row for each method, the floor, what the source leaves open and its own figures', () => {
  const failed: StudyRow = {
    ...row,
    method: 'dcgan',
    label: 'DCGAN',
    open: [],
    judgement: null,
    report: null,
    failure: 'The loss is NaN',
  }
  const text = tablesOf({ rows: [row, failed], comparisons: [], options, data: 'icons' })
  expect(text).toContain(
    '| Diffusion ¹ | 1600 | 41.2 | 1.23 (1 to 1.5) | 3.5 | 21 | -20.2 | 60 | 0.5 (0.4 to 0.6) | 0.25 (0.2 to 0.3) | 0 | copied |',
  )
  expect(text).toContain('¹ Diffusion: the source leaves open batch, lr.')
  expect(text).toMatch(/\| DCGAN \| 1600 \| – .*\| The loss is NaN \|/)
  expect(text).toContain('71 in each: FID 30')
  expect(text).toContain('| DCGAN | 293 | -202 |')
  expect(text).toContain(
    '64 samples of 32 px (png) against 142 training pictures, 16 held out; features of inception (weights 6726825d)',
  )
  expect(text).toContain('Missing: mind. There is no network.')
  expect(text).not.toContain('Table 1')
  const widths = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(' | ').length)
  expect(new Set(widths)).toEqual(new Set([12, 3]))
})

test('names from outside cannot break a table or become markup', () => {
  const text = tablesOf({
    rows: [row],
    comparisons: [{ folder: 'a|b`<i>\u001b[31m', judgement }],
    options,
    data: '[x](y)',
  })
  expect(text).toContain('## Table 1')
  expect(text).toContain('a\\|b\\`\\<i\\>')
  expect(text).not.toContain('\u001b')
  expect(text).toContain('# Study of \\[x\\](y)')
})
