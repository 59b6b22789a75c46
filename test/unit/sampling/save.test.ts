/** Files and grids while pictures are sampled: what is written when, wrong targets, full disks, what grids say of seeds. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import type { Model, SampleCall, SampleJob } from '../../../lib/index.ts'
import { seedText } from '../../../lib/sampling/grid.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'

describe('save()', () => {
  test('writes one durable file for each picture before the next batches are done, in the order of the seeds', async () => {
    const folder = join(temporaryFolder(), 'a', 'b')
    const early: number[] = []
    const { model } = fakeModel({}, (call) => {
      if (call === 30) early.push(readdirSync(folder).filter((name) => /^seed-\d+\.png$/.test(name)).length)
    })
    const told: [string, number][] = []
    const seeds = Array.from({ length: 40 }, (_, i) => 100 - i)
    const paths = await model.sample({ seeds }).save(folder, { onFile: (path, seed) => told.push([path, seed]) })
    expect(paths).toEqual(seeds.map((seed) => join(folder, `seed-${seed}.png`)))
    expect(told).toEqual(paths.map((path, i) => [path, seeds[i]]))
    expect(early[0]).toBeGreaterThanOrEqual(20)
    expect(readdirSync(folder)).toHaveLength(40)
    for (const [i, path] of paths.entries())
      expect((await sharp(path).raw().toBuffer()).equals(fakePixels(seeds[i]!, 16, 3))).toBe(true)
  })

  test('with a grid samples once; the grid is that of grid()', async () => {
    const folder = temporaryFolder()
    const { model, native } = fakeModel()
    const grid = join(folder, 'grid.png')
    const paths = await model.sample({ count: 5 }).save(join(folder, 'files'), { grid, format: 'webp', prefix: 'x-' })
    expect(native.calls).toHaveLength(5)
    expect(paths.at(-1)).toBe(join(folder, 'files', 'x-4.webp'))
    expect(readFileSync(grid).equals(await model.sample({ count: 5 }).grid())).toBe(true)
  })

  test('equal seeds give one file', async () => {
    const folder = join(temporaryFolder(), 'files')
    const paths = await fakeModel()
      .model.sample({ seeds: [1, 1, 1] })
      .save(folder)
    expect(new Set(paths)).toEqual(new Set([join(folder, 'seed-1.png')]))
    expect(readdirSync(folder)).toEqual(['seed-1.png'])
  })

  test('wrong targets: OPTION_INVALID or FILE_FAILED before anything is sampled', async () => {
    const folder = temporaryFolder()
    const { model, native } = fakeModel()
    const save = (...args: unknown[]) => errorOf(model.sample().save(...(args as Parameters<SampleJob['save']>)))
    expect(await save('')).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await save(undefined)).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await save(folder, { format: 'gif' })).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await save(folder, { grid: 'grid.gif' })).toMatchObject({ code: 'OPTION_INVALID' })
    writeFileSync(join(folder, 'file'), '')
    expect(await save(join(folder, 'file', 'inside'))).toMatchObject({ code: 'FILE_FAILED' })
    expect(await save(folder, { grid: join(folder, 'none', 'grid.png') })).toMatchObject({ code: 'FILE_FAILED' })
    expect(native.calls).toEqual([])
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test.each('grid.jpg grid.JPEG a.gif a.avif b.tif b.tiff c.bmp d.heic e.png f.webp'.split(' '))(
    'never into a folder that is named as the picture %s; with a slash it is a folder',
    async (name) => {
      const folder = temporaryFolder()
      const { model, native } = fakeModel()
      for (const source of [model.sample(), await fakeModel().model.sample()])
        expect(await errorOf(source.save(join(folder, name)))).toMatchObject({
          code: 'OPTION_INVALID',
          message: expect.stringContaining('.png or .webp'),
        })
      expect(native).toMatchObject({ calls: [], models: 0 })
      expect(readdirSync(folder)).toEqual([])
      await model.sample().save(`${join(folder, name)}/`)
      expect(readdirSync(join(folder, name))).toEqual(['seed-0.png'])
    },
  )

  test('a target that cannot be written is met before anything is sampled', async () => {
    const folder = temporaryFolder()
    const { model, native } = fakeModel()
    const job = model.sample({ count: 4 })
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'folder.png'))
    const failing = [
      () => job.save(join(folder, 'file')),
      () => job.save(join(folder, 'file', 'a', 'b')),
      () => job.save('/proc/self/pictures'),
      () => job.save(join(folder, 'new'), { grid: join(folder, 'none', 'grid.png') }),
      () => job.save(join(folder, 'new'), { grid: join(folder, 'folder.png') }),
      () => job.grid(join(folder, 'none', 'grid.png')),
      () => job.grid(join(folder, 'folder.png')),
      () => job.grid(join(folder, 'file', 'grid.png')),
      () => job.grid('/proc/self/grid.png'),
    ]
    for (const call of failing) expect(await errorOf(call())).toMatchObject({ code: 'FILE_FAILED' })
    expect(native.calls).toEqual([])
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder.png'])
    await job.save(join(folder, 'a', 'b'), { grid: join(folder, 'a', 'grid.png') })
    expect(readdirSync(join(folder, 'a')).sort()).toEqual(['b', 'grid.png'])
  })

  test.each(['ENOSPC', 'EIO'])(
    '%s at any operation: files are whole or not there, and each that is kept is told',
    async (code) => {
      const { model } = fakeModel()
      for (let at = 1; ; at += 5) {
        const folder = join(temporaryFolder(), 'files')
        const told: string[] = []
        const grid = join(folder, 'grid.png')
        const { fired, error } = await withFault({ at, code }, () =>
          model.sample({ count: 4 }).save(folder, { grid, onFile: (path) => told.push(path) }),
        )
        if (!fired) break
        expect(error).toMatchObject({ code: code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_FAILED' })
        const names = existsSync(folder) ? readdirSync(folder) : []
        expect(names.filter((name) => name.startsWith('.tmp'))).toEqual([])
        for (const path of told) expect(existsSync(path)).toBe(true)
        for (const name of names) await sharp(join(folder, name)).stats()
      }
    },
  )

  test('aborted: the files that are complete stay and are told of, and are what the grid holds', async () => {
    const folder = temporaryFolder()
    const control = new AbortController()
    const { model } = fakeModel({}, (call) => {
      if (call === 20) control.abort()
    })
    const told: string[] = []
    const job = model.sample({ count: 1000, signal: control.signal })
    const onFile = (path: string) => told.push(path)
    const grid = join(folder, 'grid.png')
    expect(await errorOf(job.save(folder, { grid, onFile }))).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      details: { grid, finished: 20 },
    })
    expect(told).toHaveLength(20)
    expect(readdirSync(folder).sort()).toEqual(['grid.png', ...told.map((path) => basename(path)).sort()])
    expect(await cellOf(grid, 19)).toEqual(fakePixels(19, 16, 3))
    expect(await cellOf(grid, 20)).toEqual(new Uint8Array(16 * 16 * 3))
  })

  test('aborted with grid(path) alone: as well, once a picture is finished', async () => {
    const folder = temporaryFolder()
    for (const [finished, files] of [
      [0, []],
      [7, ['grid.webp']],
    ] as const) {
      const control = new AbortController()
      const { model } = fakeModel({}, (call) => {
        if (call === finished) control.abort()
      })
      const grid = join(folder, 'grid.webp')
      const error = await errorOf(model.sample({ count: 30, signal: control.signal }).grid(grid))
      expect(error).toMatchObject({ code: 'ABORT_ERR' })
      expect(readdirSync(folder)).toEqual(files)
    }
    expect(await cellOf(join(folder, 'grid.webp'), 6)).toEqual(fakePixels(6, 16, 3))
  })
})

describe('save() into a folder with pictures', () => {
  const oneCheckpoint = { digest: 'a'.repeat(64) }
  const another = { digest: 'b'.repeat(64) }

  test('those of the same checkpoint and options are kept, the others are sampled; the grid holds all', async () => {
    const folder = temporaryFolder()
    const first = fakeModel({}, undefined, oneCheckpoint)
    await first.model.sample({ seeds: [1, 3, 4] }).save(folder)
    const mark = readFileSync(join(folder, 'seed-3.png'))
    const { model, native } = fakeModel({}, undefined, oneCheckpoint)
    const told: [string, boolean][] = []
    const grid = join(folder, 'grid.png')
    const onFile = (path: string, _: number, kept: boolean) => told.push([basename(path), kept])
    const paths = await model.sample({ count: 6 }).save(folder, { grid, onFile })
    expect(native.calls).toEqual([[0], [2], [5]])
    expect(told).toEqual([0, 1, 2, 3, 4, 5].map((seed) => [`seed-${seed}.png`, [1, 3, 4].includes(seed)]))
    expect(paths).toHaveLength(6)
    expect(readFileSync(join(folder, 'seed-3.png')).equals(mark)).toBe(true)
    expect(readFileSync(grid).equals(await model.sample({ count: 6 }).grid())).toBe(true)
    await model.sample({ count: 6 }).save(folder)
    // The second call was the grid.
    expect(native.calls).toHaveLength(9)
  })

  test.each([1, 3, 4] as const)('with %i channels a kept picture is on the grid as it was', async (channels) => {
    const folder = temporaryFolder()
    const { model } = fakeModel({ channels }, undefined, oneCheckpoint)
    await model.sample({ count: 3 }).save(folder)
    const grid = join(folder, 'grid.png')
    await model.sample({ count: 4 }).save(folder, { grid })
    expect(readFileSync(grid).equals(await model.sample({ count: 4 }).grid())).toBe(true)
  })

  test('a picture of another checkpoint or other options, or of nobody, refuses the call before it samples', async () => {
    const others: [(path: string) => Promise<unknown>, string][] = [
      [(path) => saveOne(fakeModel({}, undefined, another).model, path), 'checkpoint is "bbbbbbbbbbbbbbbb" there'],
      [(path) => saveOne(fakeModel().model, path), 'checkpoint is absent there'],
      [
        (path) => saveOne(fakeModel({}, undefined, oneCheckpoint).model, path, { steps: 7 }),
        'steps is "7" there, "20" here',
      ],
      [async (path) => writeFileSync(path, 'mine'), 'shinsaku did not sample it'],
    ]
    for (const [write, text] of others) {
      const folder = temporaryFolder()
      const path = join(folder, 'seed-1.png')
      await write(path)
      const before = readFileSync(path)
      const { model, native } = fakeModel({}, undefined, oneCheckpoint)
      expect(await errorOf(model.sample({ count: 3 }).save(folder))).toMatchObject({
        code: 'FILE_EXISTS',
        message: expect.stringContaining(text),
        hint: expect.stringContaining('--overwrite'),
        details: { path },
      })
      expect(native.calls).toEqual([])
      expect(readdirSync(folder)).toEqual(['seed-1.png'])
      expect(readFileSync(path).equals(before)).toBe(true)
      await model.sample({ count: 3 }).save(folder, { overwrite: true })
      expect((await readMetadata(path))?.settings).toMatchObject({ checkpoint: 'a'.repeat(16), steps: 20 })
    }
  })

  test('pictures that depend on their neighbours are sampled again, together', async () => {
    const folder = temporaryFolder()
    const { model, native } = fakeModel({ model: 'dcgan', size: 32 }, undefined, oneCheckpoint)
    for (const count of [2, 4]) await model.sample({ count, batchNorm: 'batch' }).save(folder)
    expect(native.calls).toEqual([
      [0, 1],
      [0, 1, 2, 3],
    ])
  })
})

/** Samples seed 1 into a file. */
const saveOne = async (model: Model, path: string, call: SampleCall = {}) =>
  (await model.sample({ seeds: [1], ...call })).save(dirname(path))

/** The pixels of the n-th picture on a grid of 16 px pictures. */
async function cellOf(grid: string, n: number): Promise<Uint8Array> {
  const { width } = await sharp(grid).metadata()
  const across = Math.floor(width / 18)
  const [left, top] = [2 + 18 * (n % across), 2 + 18 * Math.floor(n / across)]
  return new Uint8Array(await sharp(grid).extract({ left, top, width: 16, height: 16 }).raw().toBuffer())
}

describe('grid()', () => {
  test('gives the bytes of a PNG file; grid(path) writes them and gives the path', async () => {
    const path = join(temporaryFolder(), 'grid.png')
    const { model } = fakeModel()
    const bytes = await model.sample({ count: 3, seed: 4 }).grid()
    expect(await model.sample({ count: 3, seed: 4 }).grid(path)).toBe(path)
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(await (await model.sample({ count: 3, seed: 4 })).grid()).toEqual(bytes)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 38, height: 38 })
    expect((await readMetadata(path))?.settings).toMatchObject({ seeds: '4 5 6', run: '00000-fake' })
  })

  test('wrong targets: OPTION_INVALID or FILE_FAILED before anything is sampled', async () => {
    const folder = temporaryFolder()
    const { model, native } = fakeModel()
    const grid = (path: unknown, call: SampleCall = {}) => errorOf(model.sample(call).grid(path as string))
    for (const path of ['grid.gif', 'grid', '', 3, null])
      expect(await grid(path)).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('.png') })
    expect(await grid(join(folder, 'none', 'grid.png'))).toMatchObject({ code: 'FILE_FAILED' })
    expect(await grid(join(folder, 'grid.webp'), { count: 1_000_000 })).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('16383'),
    })
    expect(native.calls).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  test('on a full disk: DISK_FULL, an older file is as it was, and sampling ends', async () => {
    const path = join(temporaryFolder(), 'grid.png')
    writeFileSync(path, 'older')
    const { model, native } = fakeModel()
    const { error } = await withFault({ at: 2, only: ['write'], code: 'ENOSPC' }, () =>
      model.sample({ count: 400 }).grid(path),
    )
    expect(error).toMatchObject({ code: 'DISK_FULL' })
    expect(readFileSync(path, 'utf8')).toBe('older')
    expect(native.calls.length).toBeLessThan(400)
    expect(native.samplers).toBe(0)
  })

  test('enlarged: each pixel is a square of as many', async () => {
    const { model } = fakeModel()
    const grid = await model.sample({ count: 2 }).grid(undefined, { scale: 3 })
    const large = sharp(grid).extract({ left: 2, top: 2, width: 48, height: 48 }).resize(16, 16, { kernel: 'nearest' })
    expect(await sharp(grid).metadata()).toMatchObject({ width: 102, height: 52 })
    expect(new Uint8Array(await large.raw().toBuffer())).toEqual(fakePixels(0, 16, 3))
    const path = join(temporaryFolder(), 'grid.png')
    await (await model.sample({ count: 2 })).grid(path, { scale: 3 })
    expect(readFileSync(path).equals(grid)).toBe(true)
    for (const scale of [0, 1.5, 65, 'large' as unknown as number])
      for (const call of [() => model.sample().grid(path, { scale }), () => model.sample().save('x', { scale })])
        expect(await errorOf(call())).toMatchObject({
          code: 'OPTION_INVALID',
          message: expect.stringContaining('scale'),
        })
  })

  test('of many seeds says them in few words, which are read back', async () => {
    const path = join(temporaryFolder(), 'grid.png')
    const { model } = fakeModel()
    await model.sample({ count: 600, batch: 100 }).grid(path)
    expect((await readMetadata(path))?.settings.seeds).toBe('0-599')
  })
})

describe('seeds in words', () => {
  test.each([
    [[7], '7'],
    [[4, 5, 6], '4 5 6'],
    [[4, 5, 6, 7], '4-7'],
    [[9, 1, 2, 3, 4, 9, 9, 8], '9 1-4 9 9 8'],
    [[5, 4, 3, 2, 1], '5 4 3 2 1'],
  ])('%j: %s', (seeds, text) => expect(seedText(seeds)).toBe(text))

  test('a list that no reader would take is cut after a whole seed, and its length is said', () => {
    const seeds = Array.from({ length: 50_000 }, (_, i) => 1_000_000 + 2 * i)
    const text = seedText(seeds)
    expect(text.length).toBeLessThan(17_000)
    expect(text).toMatch(/^1000000 1000002 .* \d{7} \.\.\. \(50000 in all\)$/)
  })
})
