/** How much the cache of pictures holds, what goes first, and clearing it. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { clearCache, listCache } from '../../../lib/index.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'

let home: string
let folder: string
let root: string
beforeEach(async () => {
  home = temporaryFolder()
  folder = join(home, 'pixels')
  root = temporaryFolder()
  const before = { ...process.env }
  process.env.SHINSAKU_CACHE = home
  delete process.env.SHINSAKU_CACHE_LIMIT
  onTestFinished(() => {
    process.env = before
  })
  for (let i = 0; i < 3; i++) await writeFile(join(root, `${i}.png`), await flat([i, 0, 0]).png().toBuffer())
})

const load = (over: Partial<DatasetOptions> = {}) => loadPixels(datasetOptions(root, over))

/** Makes a set look unused for so many days. */
async function age(path: string, days: number): Promise<void> {
  const then = Date.now() / 1000 - days * 24 * 3600
  await utimes(path, then, then)
}

/** The set of this size of picture. */
const setOf = async (size: number) =>
  join(folder, (await readdir(folder)).find((name) => name.startsWith(`${size}x3-`)) ?? 'none')

test('the least recently used go first, and what is in use stays whatever it takes', async () => {
  for (const [i, size] of [8, 16, 24].entries()) {
    await load({ size })
    await age(await setOf(size), 9 - i)
  }
  // Used again, it is the youngest.
  await load({ size: 8 })
  const bytes = (await stat(await setOf(8))).size + (await stat(await setOf(24))).size
  process.env.SHINSAKU_CACHE_LIMIT = String(bytes)
  await load({ size: 8 })
  expect((await listCache()).sets.map(({ shape }) => shape)).toEqual(['8x8x3', '24x24x3'])
  process.env.SHINSAKU_CACHE_LIMIT = '0'
  const { pixels } = await load({ size: 32, pixelStore: 'file' })
  expect(pixels.length).toBe(3 * 32 * 32 * 3)
  expect((await listCache()).sets.map(({ shape }) => shape)).toEqual(['32x32x3'])
})

test('what a killed process left counts, and goes when it is a day old', async () => {
  await mkdir(folder)
  const [old, fresh] = ['.tmp-1-1-a.pixels', `${'b'.repeat(32)}-c.partial`].map((name) => join(folder, name))
  for (const path of [old!, fresh!]) await writeFile(path, 'x'.repeat(500))
  await writeFile(join(folder, 'notes.txt'), 'not ours')
  await age(old!, 2)
  process.env.SHINSAKU_CACHE_LIMIT = '0.4kB'
  await load()
  expect([existsSync(old!), existsSync(fresh!), existsSync(join(folder, 'notes.txt'))]).toEqual([false, true, true])
})

test('the list says what is there, and clearing removes it and nothing else', async () => {
  expect(await listCache()).toEqual({ folder, bytes: 0, limitBytes: 20e9, sets: [] })
  await load()
  await writeFile(join(folder, 'x.partial'), 'half')
  await age(join(folder, 'x.partial'), 1)
  await mkdir(join(home, 'libtorch'))
  await writeFile(join(folder, 'damaged.pixels'), 'SHPIXEL')
  await age(join(folder, 'damaged.pixels'), 2)
  const listing = await listCache()
  expect(listing.sets).toEqual([
    { path: await setOf(8), pictures: 3, shape: '8x8x3', bytes: expect.any(Number), lastUsed: expect.any(Date) },
    expect.objectContaining({ path: join(folder, 'x.partial'), pictures: null, shape: null, bytes: 4 }),
    expect.objectContaining({ path: join(folder, 'damaged.pixels'), pictures: null, shape: null, bytes: 7 }),
  ])
  expect(listing.bytes).toBe(listing.sets.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(await clearCache()).toEqual(listing)
  expect([await readdir(folder), await readdir(home)]).toEqual([[], ['libtorch', 'pixels']])
  await rm(folder, { recursive: true })
  expect((await clearCache()).sets).toEqual([])
})

test.each(['much', '-1', '1XB', '1e9', 'GB'])(
  'a limit of %s is OPTION_INVALID, before anything is decoded',
  async (text) => {
    process.env.SHINSAKU_CACHE_LIMIT = text
    const wrong = { code: 'OPTION_INVALID', details: { problems: [{ path: 'SHINSAKU_CACHE_LIMIT' }] } }
    await expect(load()).rejects.toMatchObject(wrong)
    await expect(listCache()).rejects.toMatchObject(wrong)
    expect(existsSync(folder)).toBe(false)
  },
)

test.each([
  ['20GB', 20e9],
  ['1.5 mb', 1.5e6],
  ['300', 300],
  ['2TB', 2e12],
])('a limit of %s', async (text, bytes) => {
  process.env.SHINSAKU_CACHE_LIMIT = text
  expect((await listCache()).limitBytes).toBe(bytes)
})
