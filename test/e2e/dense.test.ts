/** R50: files of the smallest things that each format can name are read, or refused, in a heap of twice their length. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

test('R50: 5 MB of the smallest things, for every parser, each in a process whose heap is twice that', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/fuzz/run.mjs', '--dense'], { cwd: root })
  const reports = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(reports.filter(({ findings }) => findings !== 0)).toEqual([])
  expect(reports.reduce((sum, { dense }) => sum + dense, 0)).toBeGreaterThan(20)
})
