/** The data report from the command line and the API. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DescribeCall, describe as describeRun } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawFaces } from '../helpers/pictures.ts'
import { jsonIn, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const tiny: DescribeCall = { size: 16, dim: 8, dimMults: [1], device: 'cpu' }
const flags = ['--size', '16', '--dim', '8', '--dim-mults', '1', '--device', 'cpu']

async function pictures(): Promise<string> {
  const root = await drawFaces(temporaryFolder(), 8, 16)
  copyFileSync(join(root, 'face-02.png'), join(root, 'twice.png'))
  return root
}

test('describe says how many are suspicious, and --report shows which', async () => {
  const root = await pictures()
  const folder = join(temporaryFolder(), 'report')
  const plain = await shinsaku('describe', root, ...flags)
  expect(plain.stdout).toMatch(/^pictures +9 to train on\n +2 byte-for-byte copies \(the same file more than once\)$/m)
  const { code, stdout } = await shinsaku('describe', root, ...flags, '--report', folder, '--json')
  const { data, report } = JSON.parse(stdout)
  expect([code, data.counts]).toEqual([0, { copies: 2 }])
  expect(data.findings).toEqual([{ reason: 'copies', detail: '2 times', paths: ['face-02.png', 'twice.png'] }])
  expect(Object.values(report).every((path) => existsSync(path as string))).toBe(true)
  expect(readdirSync(folder).sort()).toEqual(['report.json', 'report.png', 'report.txt'])
  expect(jsonIn(folder, 'report.json').findings).toEqual(data.findings)
})

test('the API takes the folder as report; without one nothing is written', async () => {
  const data = await pictures()
  const report = join(temporaryFolder(), 'report')
  expect((await describeRun({ ...tiny, data })).report).toBe(null)
  expect((await describeRun({ ...tiny, data, report })).report?.sheet).toBe(join(report, 'report.png'))
})

test('a folder that cannot be written is FILE_FAILED, and of a run there is no report', async () => {
  const data = await pictures()
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  await expect(describeRun({ ...tiny, data, report: join(file, 'x') })).rejects.toMatchObject({ code: 'FILE_FAILED' })
  const run = join(temporaryFolder(), 'run')
  mkdirSync(run)
  writeFileSync(join(run, 'config.json'), '{}')
  const { code, stderr } = await shinsaku('describe', run, '--report')
  expect(code).toBe(2)
  expect(stderr).toContain('report: is about pictures, but ')
})
