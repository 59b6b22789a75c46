import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { load, type Model, type SampleCall } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawPictures, errorOf, newestOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const shared = sharedFolder()
const models = {} as Record<'diffusion' | 'dcgan' | 'stylegan2', Model>
beforeAll(async () => {
  const data = await drawPictures(join(shared, 'data'), 8)
  // The average differs from the latest weights after 100 updates, and is what "auto" takes after as many.
  models.diffusion = await tinyRun(shared, data, { maxImages: 120, batch: 1, emaEvery: 1, emaDecay: 0.98, lr: 0.01 })
  models.dcgan = await tinyRun(shared, data, { model: 'dcgan', maxImages: 24 })
  models.stylegan2 = await tinyRun(shared, data, { model: 'stylegan2', maxImages: 24 })
})

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const draw = async (options: SampleCall = {}, model: keyof typeof models = 'diffusion') =>
  (await models[model].sample({ seed: 3, ...options })).picture(0)

/** What a picture's file says about its making, read without this package. */
async function saidIn(file: string | Uint8Array) {
  const { xmpAsString } = await sharp(file).metadata()
  const [, settings] = xmpAsString!.match(/<shinsaku:settings>(.*)<\/shinsaku:settings>/)!
  return JSON.parse(settings!.replaceAll('&quot;', '"'))
}

describe('one seed gives one picture', () => {
  test.each<{ model: keyof typeof models } & SampleCall>([
    { model: 'diffusion', steps: 5 },
    { model: 'diffusion', steps: 8 },
    { model: 'diffusion', steps: 5, eta: 1 },
    { model: 'diffusion', sampler: 'ddpm' },
    { model: 'dcgan' },
    { model: 'stylegan2', truncation: 0.7, noise: 'random', mixSeed: 3 },
  ])('alone, among others, and again: %o', async ({ model, ...options }) => {
    const many = await models[model].sample({ ...options, seed: 5, count: 5 })
    expect(many.seeds).toEqual([5, 6, 7, 8, 9])
    const listed = await models[model].sample({ ...options, seeds: [9, 5, 9] })
    expect(listed.seeds).toEqual([9, 5, 9])
    const alone = await models[model].sample({ ...options, seed: 9 })
    for (const picture of [many.picture(4), listed.picture(0), listed.picture(2)]) {
      expect(same(picture, alone.pixels)).toBe(true)
    }
    expect(same(listed.picture(1), many.picture(0))).toBe(true)
    expect(same(many.picture(0), many.picture(4))).toBe(false)
  })

  test('up to the last bits in a batch of another size', async () => {
    const alone = await models.diffusion.sample({ seed: 5, count: 5, steps: 5 })
    const together = await models.diffusion.sample({ seed: 5, count: 5, steps: 5, batch: 3 })
    const furthest = alone.pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - together.pixels[i]!)), 0)
    expect(furthest).toBeLessThanOrEqual(1)
  })
})

test('a config.json of a larger network than the checkpoint holds is CHECKPOINT_MISMATCH before it is allocated', async () => {
  for (const [kind, option] of [
    ['diffusion', 'dim'],
    ['dcgan', 'width'],
  ] as const) {
    const run = join(temporaryFolder(), 'run')
    cpSync(models[kind].run, run, { recursive: true })
    const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'))
    config.options[option] = 512
    writeFileSync(join(run, 'config.json'), JSON.stringify(config))
    expect(await errorOf((await load(run)).sample())).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/describe a network of \d{7,} weights, but it holds \d{4,6}$/),
    })
  }
})

describe('options', () => {
  test('samplers, steps, eta and weights each change the picture', async () => {
    const variants: SampleCall[] = [
      { steps: 5 },
      { steps: 4 },
      { steps: 5, eta: 1 },
      { steps: 5, sampler: 'ipndm' },
      { steps: 5, sampler: 'dpmpp-2m' },
      { steps: 5, sampler: 'dpmpp-3m' },
      { steps: 5, sampler: 'ddim' },
      { sampler: 'ddpm' },
      { steps: 5, weights: 'raw' },
    ]
    const pictures = []
    for (const variant of variants) pictures.push(await draw(variant))
    const hashes = pictures.map((picture) => Buffer.from(picture).toString('base64'))
    expect(new Set(hashes).size).toBe(variants.length)
    expect(same(await draw({ steps: 5, weights: 'ema' }), pictures[0]!)).toBe(true)
    expect(same(await draw({ batchNorm: 'batch', count: 3 }, 'dcgan'), await draw({ count: 3 }, 'dcgan'))).toBe(false)
  })

  test('that are wrong: OPTION_INVALID with all of them', async () => {
    const wrong = [
      [{ steps: 21 }, ['steps']],
      [{ sampler: 'ddpm', steps: 5 }, ['steps']],
      [{ sampler: 'unipc', eta: 1 }, ['eta']],
      [{ sampler: 'heun' }, ['sampler']],
      [{ count: 0, stepz: 3, weights: 'best' }, ['count', 'stepz', 'weights']],
      [{ seeds: [1], seed: 2, count: 3 }, ['count', 'seed']],
      [{ batchNorm: 'batch' }, ['batchNorm']],
    ] as unknown as [SampleCall, string[]][]
    for (const [options, paths] of wrong) {
      const error = await errorOf(models.diffusion.sample(options))
      expect(error.code, JSON.stringify(options)).toBe('OPTION_INVALID')
      const problems = error.details.problems as { path: string }[]
      expect(problems.map(({ path }) => path).sort()).toEqual(paths)
    }
    expect(await errorOf(models.dcgan.sample({ weights: 'ema' }))).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('emaDecay null'),
    })
  })
})

describe('files', () => {
  const settings = {
    generator: 'shinsaku',
    model: 'diffusion',
    images: 120,
    sampler: 'unipc',
    steps: 5,
    weights: 'ema',
  }

  test('save() writes one for each seed, with the seed and settings that drew it', async () => {
    const folder = join(temporaryFolder(), 'drawn')
    const job = models.diffusion.sample({ seeds: [7, 2], steps: 5 })
    const paths = await job.save(folder)
    const files = Object.fromEntries(paths.map((path) => [path, readFileSync(path)]))
    expect(paths).toEqual([join(folder, 'seed-7.png'), join(folder, 'seed-2.png')])
    expect(readdirSync(folder).sort()).toEqual(['seed-2.png', 'seed-7.png'])
    const pictures = await job
    for (const [i, path] of paths.entries()) {
      const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
      expect([info.width, info.height, info.channels, same(data, pictures.picture(i))]).toEqual([16, 16, 3, true])
      expect(await saidIn(path)).toMatchObject({
        ...settings,
        seed: pictures.seeds[i],
        run: basename(models.diffusion.run),
      })
    }
    // Sampled anew, one by one, and in a folder that is there.
    const again = await models.diffusion.sample({ seeds: [7, 2], steps: 5 }).save(folder)
    expect(again.map((path) => readFileSync(path).equals(files[path]!))).toEqual([true, true])
    const [webp] = await job.save(folder, { format: 'webp', prefix: 'x-' })
    expect(basename(webp!)).toBe('x-7.webp')
    expect(await sharp(webp).metadata()).toMatchObject({ format: 'webp', width: 16 })
    expect(await saidIn(webp!)).toMatchObject({ ...settings, seed: 7 })
  })

  test('grid() is one picture of all seeds, as bytes and as the file named', async () => {
    const path = join(temporaryFolder(), 'grid.png')
    const job = models.diffusion.sample({ count: 3, seed: 4, steps: 5 })
    const bytes = await job.grid()
    expect(await job.grid(path)).toBe(path)
    expect(same(readFileSync(path), bytes)).toBe(true)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 38, height: 38 })
    expect(await saidIn(bytes)).toMatchObject({ ...settings, seeds: '4 5 6' })
    expect(await errorOf(models.diffusion.sample({ steps: 1 }).grid('grid.gif'))).toMatchObject({
      code: 'OPTION_INVALID',
    })
  })
})

describe('a call under way', () => {
  test('gives each picture as it is finished, the same as all at once', async () => {
    for (const call of [
      { count: 5, steps: 3, batch: 2 },
      { seeds: [8, 3, 8], steps: 2 },
    ] satisfies SampleCall[]) {
      const all = await models.diffusion.sample(call)
      const seeds: number[] = []
      for await (const { seed, pixels } of models.diffusion.sample(call))
        expect(same(pixels, all.picture(seeds.push(seed) - 1))).toBe(true)
      expect(seeds).toEqual(all.seeds)
    }
  })

  test('tells its progress up to 1', async () => {
    const shares: number[] = []
    await models.diffusion.sample({ count: 16, sampler: 'ddpm', onProgress: (share) => shares.push(share) })
    expect(shares.at(-1)).toBe(1)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(shares.length).toBeGreaterThan(1)
    expect(shares[0]).toBeGreaterThan(0)
  })

  test('is aborted between two steps; the model draws on', async () => {
    const reason = new Error('enough')
    const control = new AbortController()
    const onProgress = () => control.abort(reason)
    const call = { count: 100_000, sampler: 'ddpm', signal: control.signal, onProgress } as const
    const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: reason }
    expect(await errorOf(models.diffusion.sample(call))).toMatchObject(aborted)
    expect(await errorOf(models.diffusion.sample({ signal: control.signal }))).toMatchObject(aborted)
    expect(await draw({ steps: 1 })).toHaveLength(16 * 16 * 3)
  })
})

describe('load()', () => {
  test('of the run folder and of its checkpoint draw the same pictures as the run itself', async () => {
    for (const name of ['diffusion', 'dcgan'] as const) {
      const { run, images, options } = models[name]
      const checkpoint = newestOf(run)
      for (const path of [run, checkpoint]) {
        const model = await load(path, { device: 'cpu', threads: 1 })
        expect(model).toMatchObject({ images, options })
        expect(basename(model.run)).toBe(basename(run))
        expect(same((await model.sample({ seed: 3 })).pixels, await draw({}, name))).toBe(true)
        model.dispose()
      }
    }
  })

  test('of anything else rejects with RUN_NOT_FOUND or OPTION_INVALID', async () => {
    const nothing = join(temporaryFolder(), 'nothing')
    expect(await errorOf(load(nothing))).toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect(await errorOf(load(''))).toMatchObject({ code: 'OPTION_INVALID' })
    const wrong = { device: 'gpu', seed: 1 } as unknown as { device: 'cpu' }
    expect(await errorOf(load(models.diffusion.run, wrong))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a disposed model samples no more, but finishes what it was asked for', async () => {
    const model = await load(models.diffusion.run, { device: 'cpu', threads: 1 })
    const first = await model.sample({ seed: 3, steps: 5 })
    const asked = model.sample({ seed: 3, steps: 5 }).then((pictures) => pictures)
    const idle = model.sample({ seed: 3, steps: 5 })
    model.dispose()
    model.dispose()
    for (const job of [model.sample(), idle]) expect(await errorOf(job)).toMatchObject({ code: 'DISPOSED' })
    expect(same((await asked).pixels, first.pixels)).toBe(true)
  })
})
