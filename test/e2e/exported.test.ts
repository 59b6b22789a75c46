/** What leaves a run can be sampled without it: an exported file alone, and a checkpoint without its optimizer. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exportWeights, load, type TrainCall, train, verify } from '../../lib/index.ts'
import { errorOf, newestOf, sharedFolder, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const shared = sharedFolder()
const data = usePictures(8)

describe('an exported file carries what sampling needs to know', () => {
  test.each<[string, TrainCall]>([
    ['diffusion', { emaEvery: 1, emaDecay: 0.5, objective: 'x0' }],
    ['dcgan pytorch', { model: 'dcgan' }],
    ['dcgan chainer', { model: 'dcgan', variant: 'chainer', batch: 4 }],
    ['stylegan2', { model: 'stylegan2' }],
    ['pgan', { model: 'pgan' }],
  ])('%s: the same pictures as from its run', async (name, options) => {
    const model = await tinyRun(shared, data, { ...options, maxImages: 8 })
    const path = join(shared, `${name.replace(' ', '-')}.safetensors`)
    await exportWeights(model.run, path)
    const exported = await load(path, { device: 'cpu', threads: 1 })
    const weights = model.options.emaDecay === null ? 'raw' : 'ema'
    expect(exported).toMatchObject({ images: 8, options: { size: model.options.size } })
    const [there, here] = [await model.sample({ seed: 3, weights }), await exported.sample({ seed: 3 })]
    expect(Buffer.compare(there.pixels, here.pixels)).toBe(0)
    expect(here.size).toBe(model.options.size)
    for (const each of [model, exported]) each.dispose()
  })
})

test('a checkpoint without its optimizer can be sampled and exported, not trained on; verify() names what is missing', async () => {
  const model = await tinyRun(shared, data, { maxImages: 8 })
  const before = await model.sample({ seed: 1 })
  rmSync(join(newestOf(model.run), 'optimizer.safetensors'))
  const bare = await load(model.run, { device: 'cpu', threads: 1 })
  expect(Buffer.compare((await bare.sample({ seed: 1 })).pixels, before.pixels)).toBe(0)
  for (const each of [model, bare]) each.dispose()
  await exportWeights(model.run, join(shared, 'bare.safetensors'))
  expect(await errorOf(train({ resume: model.run, data, maxImages: 12 }))).toMatchObject({
    code: 'CHECKPOINT_INVALID',
    message: expect.stringContaining('optimizer.safetensors'),
  })
  expect((await verify(model.run)).whole).toBe(false)
})
