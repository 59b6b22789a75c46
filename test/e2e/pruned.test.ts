/** A model that was loaded while its run goes on: the run deletes old checkpoints, and the model keeps its weights. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load, type Model } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { checkpointsOf, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(8)

const picture = async (model: Model, weights: 'ema' | 'raw') =>
  (await model.sample({ seed: 3, steps: 2, weights })).pixels

/** Files of `folder` that this process has open. */
const openIn = (folder: string) =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(join('/proc/self/fd', fd))
      } catch {
        return ''
      }
    })
    .filter((path) => path.startsWith(folder))

test('weights of a deleted checkpoint are those that were loaded; dispose() lets go of them', async () => {
  const run = await tinyRun(temporaryFolder(), data, { maxImages: 8, keepCheckpoints: 1, guard: false })
  const expected = [await picture(run, 'ema'), await picture(run, 'raw')]
  run.dispose()
  const [first] = checkpointsOf(run.run)
  const loaded = await load(run.run)
  const unused = await load(run.run)

  const later = await tinyRun(temporaryFolder(), data, { resume: run.run, maxImages: 16, guard: false })
  later.dispose()
  expect(existsSync(join(run.run, 'checkpoints', first!))).toBe(false)
  expect([await picture(loaded, 'ema'), await picture(loaded, 'raw')]).toEqual(expected)

  for (const model of [loaded, unused]) model.dispose()
  await expect.poll(() => openIn(run.run)).toEqual([])
})
