/** R29: runs of every version of the checkpoint format, and of the options' names, are sampled from and resumed. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawPictures, errorOf, jsonIn, linesOf, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const fixtures = join(import.meta.dirname, '../fixtures/checkpoints')

const configIn = (run: string) => jsonIn(run, 'config.json')

test.each(readdirSync(fixtures))('R29: a run of format %s', async (version) => {
  const folder = temporaryFolder()
  cpSync(join(fixtures, version), folder, { recursive: true })
  const run = join(folder, 'run')
  expect(configIn(run).options).toMatchObject({ lanes: 1, keep: 3, preset: 'pytorch' })
  const model = await load(run, { device: 'cpu' })
  expect(model).toMatchObject({ images: 8, options: { loaderWorkers: 1, keepCheckpoints: 3, variant: 'pytorch' } })
  expect((await model.sample({ count: 2 })).pixels).toHaveLength(2 * 32 * 32 * 3)
  model.dispose()
  const resumed = await train({ resume: run, data: join(folder, 'data'), maxImages: 16 })
  expect(resumed).toMatchObject({ images: 16, run })
  // The guard looks when it has the time.
  const trained = linesOf(run).filter(({ guard }) => guard === undefined)
  expect(trained.map(({ images }) => images)).toEqual([2, 4, 6, 8, 10, 12, 14, 16])
  // From here on it is a run of this version.
  expect(configIn(run).options).toMatchObject({ loaderWorkers: 1, keepCheckpoints: 3, variant: 'pytorch' })
  expect(configIn(run).options).not.toHaveProperty('lanes')
})

test('a run whose options have names and values of before', async () => {
  const folder = temporaryFolder()
  const data = await drawPictures(join(folder, 'data'), 4)
  const { run } = await tinyRun(folder, data, { variant: '0.26', loaderWorkers: 2, clipGradNorm: 1, maxImages: 4 })
  const { options, ...config } = configIn(run)
  const { variant: _, loaderWorkers: lanes, clipGradNorm: clip, allowChanges: __, ...others } = options
  const before = { ...others, unet: '2022', lanes, clip, allow: ['clip', 'data'] }
  writeFileSync(join(run, 'config.json'), JSON.stringify({ ...config, options: before }))
  const model = await load(run, { device: 'cpu' })
  expect(model.options).toMatchObject({ variant: '0.26', loaderWorkers: 2, clipGradNorm: 1 })
  model.dispose()
  const error = await errorOf(train({ resume: run, data, variant: '2.3', loaderWorkers: 1, maxImages: 8 }))
  expect(error).toMatchObject({ code: 'RESUME_MISMATCH', details: { changed: ['variant', 'loaderWorkers'] } })
  expect((await train({ resume: run, data, variant: '0.26', clipGradNorm: 1, maxImages: 8 })).images).toBe(8)
  expect(configIn(run).options).toMatchObject({ variant: '0.26', loaderWorkers: 2 })
})
