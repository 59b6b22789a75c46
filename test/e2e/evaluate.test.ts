/** evaluate and compare from the API and the command line, over a tiny run, with the native part. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { metricNames } from '../../lib/evaluate/metrics.ts'
import { compare, evaluate } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { drawPictures, errorOf, jsonIn, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const folder = sharedFolder()
const data = join(folder, 'data')
const few = { count: 64, steps: 2, batch: 16, threads: 1 }
const flags = ['--count', '64', '--steps', '2', '--batch', '16', '--threads', '1']

let run: string
let other: string
beforeAll(async () => {
  await drawPictures(data, 24)
  other = await drawPictures(join(folder, 'other'), 20, 24)
  const training = tinyRun(folder, data, { maxImages: 40, checkpointImages: 40, previews: 4, holdout: 4 })
  await training
  run = training.folder!
})

const reportOf = (images = '000000040') => join(run, 'evaluation', images)

describe('evaluate', () => {
  test('without an extractor: every key, reasons, a verdict, a report and samples that stay', async () => {
    const { code, stdout } = await shinsaku('evaluate', run, ...flags, '--json')
    expect(code).toBe(0)
    const result = JSON.parse(stdout)
    expect(Object.keys(result)).toEqual(expect.arrayContaining([...metricNames, 'n', 'reasons', 'verdict']))
    expect(result).toMatchObject({ n: 64, fid: null, nwi: null, copyShareHeldOut: { value: expect.any(Number) } })
    for (const name of ['swd', 'nnMae', 'nnMaeTrain', 'copyShare'])
      expect(result[name].low).toBeLessThanOrEqual(result[name].high)
    expect(result.reasons.fid).toContain('setup --metrics')
    expect(result.basis).toMatchObject({ reference: { count: 20 }, heldOut: { count: 4 }, samples: { size: 16 } })
    expect(readdirSync(join(reportOf(), 'samples'))).toHaveLength(64)
    const html = readFileSync(join(reportOf(), 'report.html'), 'utf8')
    expect(html).toContain('picture-')
    expect(html).not.toContain(folder)
    expect(jsonIn(reportOf(), 'report.json')).toMatchObject({ n: 64, run: { images: 40 }, data: { count: 20 } })
  })

  test('again, as a table: nothing is sampled, and the numbers are the same', async () => {
    const sample = join(reportOf(), 'samples', 'seed-0.png')
    const before = statSync(sample).mtimeMs
    const first = jsonIn(reportOf(), 'report.json')
    const { code, stdout, stderr } = await shinsaku('evaluate', run, ...flags)
    expect(code).toBe(0)
    expect(stdout).toContain('Copy share')
    expect(stdout).toMatch(/^Verdict: (good|new|copied|unknown)$/m)
    expect(stderr).toContain('Open the report')
    expect(statSync(sample).mtimeMs).toBe(before)
    const again = jsonIn(reportOf(), 'report.json')
    for (const name of metricNames) expect(again[name], name).toEqual(first[name])
  })

  test('wrong calls have codes, and leave the run as it was', async () => {
    expect(await errorOf(evaluate(''))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(evaluate(join(folder, 'none')))).toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect(await errorOf(evaluate(run, { ...few, count: 1 }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(evaluate(run, { ...few, extractor: 'inception' }))).toMatchObject({
      code: 'EXTRACTOR_MISSING',
    })
    const unknown = await errorOf(evaluate(run, { ...few, extracter: 'none' } as object))
    expect(unknown).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(evaluate(run, { ...few, signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORT_ERR' })
    expect(existsSync(join(reportOf(), 'report.json'))).toBe(true)
    expect((await shinsaku('evaluate', run, '--extractor', 'vgg')).code).toBe(2)
    expect((await shinsaku('setup', '--metrics', '--cuda')).code).toBe(2)
    expect((await shinsaku('setup', '--metrics', join(data, 'picture-0.png'))).stderr).toContain('EXTRACTOR_INVALID')
  })

  test('pictures that are no longer those of the run are refused, unless others are named', async () => {
    rmSync(join(data, 'picture-3.png'))
    expect(await errorOf(evaluate(run, few))).toMatchObject({ code: 'RESUME_MISMATCH' })
    const { basis, copyShareHeldOut } = await evaluate(run, { ...few, data: other })
    expect(basis).toMatchObject({ reference: { name: 'pictures of other', count: 20 }, heldOut: null })
    expect(copyShareHeldOut).toBeNull()
  })
})

describe('compare', () => {
  test('a folder against itself is a copy; samples of our own are taken as pictures', async () => {
    const { code, stdout } = await shinsaku('compare', data, data, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ size: 16, nnMae: { value: 0 }, copyShare: { value: 1 } })
    const samples = await compare(data, join(reportOf(), 'samples'), { size: 16 })
    expect(samples.n).toBe(64)
    expect(samples.basis.samples.format).toBe('png')
  })

  test('wrong calls have codes', async () => {
    expect(await errorOf(compare(join(folder, 'none'), data))).toMatchObject({ code: 'DATA_NOT_FOUND' })
    expect(await errorOf(compare(data, ''))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(compare(data, other, { size: 4 }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect((await shinsaku('compare', data)).code).toBe(2)
    expect(await errorOf(compare(data, other, { statistics: '' }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(evaluate(run, { ...few, statistics: 'a.npz' }))).toMatchObject({ code: 'EXTRACTOR_MISSING' })
    const withStatistics = await shinsaku('compare', data, other, '--statistics', 'a.npz', '--extractor', 'none')
    expect([withStatistics.code, withStatistics.stderr]).toEqual([1, expect.stringContaining('EXTRACTOR_MISSING')])
  })
})
