/** A program may change its working folder at any moment: relative paths mean what they meant when the call was made. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  compare,
  describe as describeRun,
  evaluate,
  exportWeights,
  importCheckpoint,
  load,
  verify,
} from '../../lib/index.ts'
import { drawPictures, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const [home, elsewhere] = [join(sharedFolder(), 'home'), join(sharedFolder(), 'elsewhere')]
const before = process.cwd()
beforeAll(async () => {
  mkdirSync(elsewhere)
  await drawPictures(join(home, 'pictures'), 4)
})
afterAll(() => process.chdir(before))

/** What a call gives that is made in one folder while the process goes on to another right after it. */
async function moved<T>(call: () => PromiseLike<T>): Promise<T> {
  process.chdir(home)
  const result = call()
  process.chdir(elsewhere)
  return await result
}

const RUN = 'runs/00000-diffusion-16-pictures'

test('every path that is given is that of the moment of the call', async () => {
  const run = () => tinyRun('runs', 'pictures', { maxImages: 8, previews: 2 })
  const trained = await moved(run)
  expect(trained.run).toBe(join(home, RUN))
  const more = await moved(() => tinyRun('runs', ['pictures/picture-1.png'], { maxImages: 8 }))
  expect(more.run).toBe(join(home, 'runs/00001-diffusion-16-files'))
  const resumed = await moved(() => tinyRun('runs', 'pictures', { maxImages: 12, resume: RUN }))
  expect([resumed.run, resumed.images]).toEqual([join(home, RUN), 12])
  const newest = await moved(() => tinyRun('runs', 'pictures', { maxImages: 16, resume: true }))
  expect([newest.run, newest.images]).toEqual([join(home, RUN), 16])
  expect((await moved(() => describeRun({ data: 'pictures', size: 16, dim: 8 }))).data.count).toBe(4)

  const measured = await moved(() => evaluate(RUN, { data: 'pictures', count: 2, steps: 2, extractor: 'none' }))
  expect([measured.run, existsSync(measured.report.html)]).toEqual([join(home, RUN), true])
  const few = ['pictures/picture-1.png', 'pictures/picture-2.png']
  expect((await moved(() => compare('pictures', few, { extractor: 'none' }))).n).toBe(2)

  const model = await moved(() => load(RUN))
  const { checks } = await moved(() => verify(RUN))
  expect(checks).toContainEqual(expect.objectContaining({ path: 'config.json', state: 'whole' }))
  const call = { count: 2, steps: 2 }
  expect(await moved(() => model.sample(call).save('out', { grid: 'all.png' }))).toEqual([
    'out/seed-0.png',
    'out/seed-1.png',
  ])
  expect(await moved(() => model.sample(call).grid('grid.webp'))).toBe('grid.webp')
  const pictures = await model.sample(call)
  await moved(() => pictures.save('again'))
  await moved(() => pictures.grid('again.png'))
  await moved(() => [...pictures][0]!.save('one.png'))
  await moved(() => exportWeights(RUN, 'weights.safetensors'))
  const options = { size: 16, dim: 8, dimMults: [1, 2] }
  const imported = await moved(() => importCheckpoint('weights.safetensors', options))
  expect(imported.run).toBe(join(home, 'runs/00002-diffusion-16-weights'))

  for (const file of ['out/seed-1.png', 'all.png', 'grid.webp', 'again/seed-0.png', 'again.png', 'one.png'])
    expect(existsSync(resolve(home, file)), file).toBe(true)
  expect(readdirSync(elsewhere)).toEqual([])
})
