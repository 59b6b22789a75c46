/** Files and grids while pictures are sampled: what is written when, wrong targets, full disks, what grids say of seeds. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import type { SampleCall, SampleJob } from '../../../lib/index.ts'
import { seedText } from '../../../lib/sampling/save.ts'
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

  test('aborted: the files that are complete stay and are told of, the grid is not there', async () => {
    const folder = temporaryFolder()
    const control = new AbortController()
    const { model } = fakeModel({}, (call) => {
      if (call === 20) control.abort()
    })
    const told: string[] = []
    const job = model.sample({ count: 1000, signal: control.signal })
    const onFile = (path: string) => told.push(path)
    expect(await errorOf(job.save(folder, { grid: join(folder, 'grid.png'), onFile }))).toMatchObject({
      code: 'ABORT_ERR',
    })
    expect(told).toHaveLength(20)
    expect(readdirSync(folder).sort()).toEqual(told.map((path) => path.slice(folder.length + 1)).sort())
  })
})

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
