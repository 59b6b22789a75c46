/** R29: runs of every version of the checkpoint format are drawn with and gone on with. */
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { linesOf, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const fixtures = join(import.meta.dirname, '../fixtures/checkpoints')

test.each(readdirSync(fixtures))('R29: a run of format %s', async (version) => {
  const folder = temporaryFolder()
  cpSync(join(fixtures, version), folder, { recursive: true })
  const run = join(folder, 'run')
  const model = await load(run, { device: 'cpu' })
  expect(model.images).toBe(8)
  expect((await model.sample({ count: 2 })).pixels).toHaveLength(2 * 32 * 32 * 3)
  model.dispose()
  const resumed = await train({ resume: run, data: join(folder, 'data'), maxImages: 16 })
  expect(resumed).toMatchObject({ images: 16, run })
  expect(linesOf(run).map(({ images }) => images)).toEqual([2, 4, 6, 8, 10, 12, 14, 16])
})
