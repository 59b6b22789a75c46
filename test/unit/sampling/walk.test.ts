/** Walks: which pictures lie where, every form they can be had in, abort, and each wrong input. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import type { WalkCall } from '../../../lib/index.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'

/** Where each picture of a walk lies, as the native part was asked for it. */
async function pathOf(options: WalkCall) {
  const { model, native } = fakeModel()
  await model.walk({ batch: 2, ...options })
  return native.args.flatMap(({ seeds, toSeeds, mix }) =>
    (seeds as number[]).map((seed, i) => [seed, (toSeeds as number[])[i], (mix as number[])[i]]),
  )
}

describe('the pictures', () => {
  test('go from seed to seed in even steps, and end on the last seed', async () => {
    expect(await pathOf({ seeds: [5, 9, 2], steps: 2 })).toEqual([
      [5, 9, 0],
      [5, 9, 0.5],
      [9, 2, 0],
      [9, 2, 0.5],
      [2, 2, 0],
    ])
  })

  test('of a loop go back to the first seed, which is not shown twice', async () => {
    expect(await pathOf({ seeds: [5, 9], steps: 2, loop: true })).toEqual([
      [5, 9, 0],
      [5, 9, 0.5],
      [9, 5, 0],
      [9, 5, 0.5],
    ])
  })

  test('say what they are: one at a seed as sample() says it, one between names both seeds', async () => {
    const { model } = fakeModel()
    const [first, second] = await model.walk({ seeds: [5, 9], steps: 4 })
    const [own] = [...(await model.sample({ seed: 5 }))]
    expect([first!.seed, first!.provenance, [...first!.pixels]]).toEqual([5, own!.provenance, [...own!.pixels]])
    expect(second).toMatchObject({ seed: 5, provenance: { ...own!.provenance, toSeed: 9, mix: 0.25 } })
  })

  test('of between() are as many as were asked for, both ends among them', async () => {
    const { model, native } = fakeModel()
    const pictures = await model.between(3, 4, 3, { batch: 8, denoisingSteps: 7 })
    expect(pictures).toHaveLength(3)
    expect(native.args).toMatchObject([{ seeds: [3, 3, 4], toSeeds: [4, 4, 4], mix: [0, 0.5, 0], steps: 7 }])
  })
})

describe('save()', () => {
  test.each(['a.webp', 'a.gif', 'a.png', 'a.apng'])(
    '%s: one file of all pictures, with what made them',
    async (name) => {
      const path = join(temporaryFolder(), name)
      const { model, native } = fakeModel()
      const shares: number[] = []
      const walk = model.walk({ seeds: [1, 2, 3, 4], steps: 1, loop: true, onProgress: (share) => shares.push(share) })
      expect(await walk.save(path, { fps: 10, scale: 2 })).toBe(path)
      expect(shares.at(-1)).toBe(1)
      expect(native.samplers).toBe(0)
      const { width, pages = 4 } = await sharp(path).metadata()
      expect([width, pages]).toEqual([32, 4])
      if (!name.endsWith('gif'))
        expect((await readMetadata(path))!.settings).toMatchObject({
          walk: '1 2 3 4',
          walkSteps: 1,
          loop: true,
          images: 120,
        })
    },
  )

  test('aborted leaves what was there before, and no other file', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'walk.webp')
    writeFileSync(path, 'old')
    const abort = new AbortController()
    const { model, native } = fakeModel({}, (call) => call === 2 && abort.abort())
    await expect(model.walk({ signal: abort.signal }).save(path)).rejects.toMatchObject({ code: 'ABORT_ERR' })
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['walk.webp'])
    expect(native.samplers).toBe(0)
  })

  test.each([
    ['a.jpg', {}, '.webp, .gif, .png or .apng'],
    ['folder', {}, '.webp, .gif, .png or .apng'],
    [null, {}, '.webp, .gif, .png or .apng'],
    ['a.webp', { fps: 0 }, 'fps: must be a number from 1 to 50, but is 0'],
    ['a.webp', { fps: Number.NaN }, 'fps: must be a number from 1 to 50, but is NaN'],
    ['a.webp', { scale: 0.5 }, 'scale: must be an integer from 1 to 64'],
  ])('%j with %j is refused before anything is computed', async (path, options, said) => {
    const { model, native } = fakeModel()
    const error = await errorOf(model.walk().save(path as string, options))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining(said) })
    expect(native.calls).toEqual([])
  })

  test('in a folder that is not there is refused before anything is computed', async () => {
    const { model, native } = fakeModel()
    await expect(model.walk().save(join(temporaryFolder(), 'none', 'a.png'))).rejects.toMatchObject({
      code: 'FILE_FAILED',
    })
    expect(native.calls).toEqual([])
  })
})

describe('frames()', () => {
  test('one file a picture, in order, with its own metadata; what is there is not replaced unasked', async () => {
    const folder = join(temporaryFolder(), 'frames')
    const { model } = fakeModel()
    const told: string[] = []
    const walk = model.walk({ seeds: [1, 2], steps: 2 })
    const paths = await walk.frames(folder, { onFile: (path) => told.push(path) })
    expect(paths).toEqual(['00000', '00001', '00002'].map((n) => join(folder, `frame-${n}.png`)))
    expect(told).toEqual(paths)
    expect((await readMetadata(paths[1]!))!.settings).toMatchObject({ seed: 1, toSeed: 2, mix: 0.5 })
    expect((await sharp(paths[2]).raw().toBuffer()).equals(fakePixels(2, 16, 3))).toBe(true)
    await expect(walk.frames(folder)).rejects.toMatchObject({ code: 'FILE_EXISTS', details: { path: paths[0] } })
    expect(await walk.frames(folder, { overwrite: true })).toEqual(paths)
    expect(await walk.frames(folder, { format: 'webp' })).toHaveLength(3)
  })

  test.each([
    ['a.png', {}, 'folder'],
    ['', {}, 'folder'],
    ['frames', { format: 'gif' as 'png' }, 'format'],
  ])('%j with %j is refused', async (folder, options, path) => {
    const error = await errorOf(fakeModel().model.walk().frames(folder, options))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path }] } })
  })

  test('aborted keeps what is finished', async () => {
    const folder = temporaryFolder()
    const abort = new AbortController()
    const { model } = fakeModel({}, (call) => call === 2 && abort.abort())
    await expect(model.walk({ signal: abort.signal }).frames(folder)).rejects.toMatchObject({ code: 'ABORT_ERR' })
    expect(readdirSync(folder)).toEqual(['frame-00000.png', 'frame-00001.png'])
  })
})

describe('wrong options', () => {
  test.each<[string, object, 'dcgan' | 'diffusion', string]>([
    ['one seed', { seeds: [1] }, 'dcgan', 'seeds'],
    ['no list', { seeds: 3 }, 'dcgan', 'seeds'],
    ['a seed that is none', { seeds: [1, -1] }, 'dcgan', 'seeds.1'],
    ['no steps', { steps: 0 }, 'dcgan', 'steps'],
    ['too many pictures', { seeds: Array(1000).fill(1), steps: 10_000 }, 'dcgan', 'steps'],
    ['an option of sample()', { count: 3 }, 'dcgan', 'count'],
    ['another of them', { seed: 3 }, 'dcgan', 'seed'],
    ['no option at all', { lop: true }, 'dcgan', 'lop'],
    ['denoising steps without denoising', { denoisingSteps: 3 }, 'dcgan', 'denoisingSteps'],
    ['more of them than the model has', { denoisingSteps: 5000 }, 'diffusion', 'denoisingSteps'],
    ['noise at each step', { sampler: 'ddpm' }, 'diffusion', 'sampler'],
    ['noise of eta', { sampler: 'ddim', eta: 0.5 }, 'diffusion', 'eta'],
    ['statistics of the batch', { batchNorm: 'batch' }, 'dcgan', 'batchNorm'],
  ])('%s', async (_, options, model, path) => {
    const fake = fakeModel({ model, size: 32 })
    const error = await errorOf(fake.model.walk(options as WalkCall))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path }] } })
    expect(fake.native.calls).toEqual([])
  })

  test.each([1, 2.5, Number.NaN])('between() takes no count of %d', async (count) => {
    const error = await errorOf(fakeModel().model.between(1, 2, count))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path: 'count' }] } })
  })

  test('a disposed model says so', async () => {
    const { model } = fakeModel()
    const walk = model.walk()
    model.dispose()
    await expect(walk).rejects.toMatchObject({ code: 'DISPOSED' })
  })
})
