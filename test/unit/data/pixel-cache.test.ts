/** Decoded pixels between starts: when they are used, and when not. */
import { writeFileSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { clearCache, listCache } from '../../../lib/data/cache.ts'
import { type DatasetOptions, loadDataset } from '../../../lib/data/dataset.ts'
import { OutcomeTable } from '../../../lib/data/outcome-table.ts'
import { layout, openPixels, storePixels } from '../../../lib/data/pixel-cache.ts'
import * as decoder from '../../../lib/images/decode.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { anyLook, BLUE, datasetOptions, flat, GREEN, loadPixels, RED } from '../../helpers/pictures.ts'

vi.mock('../../../lib/images/decode.ts', { spy: true })

let root: string
let cacheFolder: string
beforeEach(async () => {
  root = temporaryFolder()
  cacheFolder = join(temporaryFolder(), 'deep', 'pixels')
  await flat(RED).png().toFile(join(root, 'a.png'))
  await flat(BLUE).png().toFile(join(root, 'b.png'))
  await writeFile(join(root, 'c.png'), 'broken')
})

/** Loads, and counts the pictures that were decoded. */
async function load(over: Partial<DatasetOptions> = {}, folder = cacheFolder) {
  const before = vi.mocked(decoder.decodePicture).mock.calls.length
  const dataset = await loadPixels(datasetOptions(root, over), { cacheFolder: folder })
  return { ...dataset, decoded: vi.mocked(decoder.decodePicture).mock.calls.length - before }
}

const onlyFile = async () => {
  const names = await readdir(cacheFolder)
  expect(names).toHaveLength(1)
  return join(cacheFolder, names[0]!)
}

test('a second start decodes nothing and says the same', async () => {
  const first = await load()
  const second = await load()
  expect([first.decoded, second.decoded]).toEqual([3, 0])
  expect({ ...second, decoded: 3 }).toEqual(first)
  expect(second.manifest.skipped).toEqual([{ path: 'c.png', reason: expect.stringContaining('not a JPEG') }])
})

test('time stamps and names do not matter, contents do', async () => {
  await load()
  await utimes(join(root, 'a.png'), 0, 0)
  expect((await load()).decoded).toBe(0)
  await flat(GREEN).png().toFile(join(root, 'a.png'))
  expect((await load()).decoded).toBe(1)
})

test('other settings have other files', async () => {
  await load()
  const others: Partial<DatasetOptions>[] = [
    { size: 16 },
    { channels: 4 },
    { background: '#000' },
    { fit: 'contain' },
    { crop: 'top' },
    { maxPixels: 64 },
  ]
  for (const over of others) expect((await load(over)).decoded).toBe(3)
  expect(await readdir(cacheFolder)).toHaveLength(1 + others.length)
})

test('a damaged file is made anew in silence', async () => {
  const first = await load()
  const path = await onlyFile()
  const whole = await readFile(path)
  const flipped = (at: number) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const damaged = [
    whole.subarray(0, 0),
    whole.subarray(0, 5),
    whole.subarray(0, 12),
    whole.subarray(0, whole.length - 1),
    Buffer.concat([whole, Buffer.of(0)]),
  ]
  for (const at of [0, 8, 11, 12, 40, 300, whole.length - 40, whole.length - 1]) damaged.push(Buffer.from(flipped(at)))
  for (const bytes of damaged) {
    await writeFile(path, bytes)
    const { decoded, ...again } = await load()
    expect(decoded).toBe(3)
    expect({ ...again, decoded }).toEqual(first)
    expect(await readFile(path)).toEqual(whole)
  }
})

test('a folder that cannot be written is a warning', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  const { count, warnings } = await load({}, join(file, 'pixels'))
  expect(count).toBe(2)
  expect(warnings.at(-1)).toMatch(/could not be kept/)
})

test('SHINSAKU_CACHE is the folder by default', async () => {
  const before = process.env.SHINSAKU_CACHE
  const home = temporaryFolder()
  process.env.SHINSAKU_CACHE = home
  try {
    await loadPixels(datasetOptions(root))
  } finally {
    if (before === undefined) delete process.env.SHINSAKU_CACHE
    else process.env.SHINSAKU_CACHE = before
  }
  expect(await readdir(join(home, 'pixels'))).toHaveLength(1)
})

test('very many pictures come back as they were, each with what is known of it', async () => {
  const count = 60_000
  const list = Array.from({ length: count }, (_, i) => ({
    item: { path: `${i}.png`, file: `${i}.png` },
    bytes: 1,
    sha256: i.toString(16).padStart(64, '0'),
  }))
  const outcomes = OutcomeTable.of(list)
  const last = { width: 2, height: count, format: 'png', optOut: true, transparent: true as const, ...anyLook }
  for (let i = 0; i < count - 1; i++)
    outcomes.set(i, i % 2 ? { reason: `it has ${i % 7} bytes` } : { ...last, height: i + 1 })
  outcomes.set(count - 1, last)
  const path = join(cacheFolder, 'many.pixels')
  const shape = { size: 2, channels: 3 }
  const rows = new Uint8Array(outcomes.rows * 12).fill(7)
  await storePixels(path, cacheFolder, shape, { outcomes, rows })
  const found = await openPixels(path, shape, 'memory')
  expect(found?.outcomes.count).toBe(count)
  expect(found?.outcomes.get(count - 1)).toEqual(last)
  expect(found?.outcomes.get(5)).toEqual({ reason: 'it has 5 bytes' })
  expect(found?.outcomes.contentAt(17)).toBe(list[17]!.sha256)
  expect(found?.store.resident).toEqual(rows)
})

describe('a set of several files', () => {
  const before = { ...layout }
  beforeEach(async () => {
    // Of 8 x 8 pixels in colour, three rows a file; nothing is checked before it is read.
    Object.assign(layout, { shardBytes: 600, checkedBytes: 0 })
    for (let i = 0; i < COUNT - 2; i++)
      await flat([40 * i, 9, 9])
        .png()
        .toFile(join(root, `d${i}.png`))
  })
  afterEach(() => void Object.assign(layout, before))

  const COUNT = 8
  const names = async () => (await readdir(cacheFolder)).sort()
  const open = () => loadDataset(datasetOptions(root, { pixelStore: 'file' }), { cacheFolder })

  test('has the rows of one in memory, whoever wrote it', async () => {
    const memory = await load()
    expect(await names()).toEqual([
      expect.stringMatching(/^8x3-.*\.000\.rows$/),
      expect.stringMatching(/^8x3-.*\.001\.rows$/),
      expect.stringMatching(/^8x3-.*\.pixels$/),
    ])
    const { store } = await open()
    expect([store.count, store.resident]).toEqual([COUNT, null])
    const order = [7, 0, 2, 3, 3, 5, 6, 1, 4]
    expect(await store.read(order)).toEqual(
      Uint8Array.from(order.flatMap((i) => [...memory.pixels.subarray(192 * i, 192 * i + 192)])),
    )
    await store.close()
    const again = await load()
    expect(again.decoded).toBe(0)
    expect(again.pixels).toEqual(memory.pixels)
    await Promise.all((await names()).map((name) => rm(join(cacheFolder, name))))
    await (await open()).store.close()
    expect(await names()).toHaveLength(3)
    expect((await load()).pixels).toEqual(memory.pixels)
  })

  test('of a picture that changed while it was read leaves none of its files', async () => {
    const other = await flat(GREEN).png().toBuffer()
    const { store } = await loadDataset(datasetOptions(root, { pixelStore: 'file' }), {
      cacheFolder,
      onProgress: ({ phase, done, total }) => {
        if (phase === 'read' && done === total) writeFileSync(join(root, 'a.png'), other)
      },
    })
    expect((await store.read([6])).length).toBe(192)
    await store.close()
    expect((await names()).filter((name) => !name.endsWith('.partial'))).toEqual([])
  })

  test('counts and goes as one', async () => {
    vi.stubEnv('SHINSAKU_CACHE', dirname(cacheFolder))
    await load()
    const { sets, bytes } = await listCache()
    expect(sets.map(({ pictures }) => pictures)).toEqual([COUNT + 1])
    const sizes = await Promise.all((await names()).map(async (name) => (await stat(join(cacheFolder, name))).size))
    expect(bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    await clearCache()
    expect(await names()).toEqual([])
    vi.unstubAllEnvs()
  })

  test('with a file that is missing, shorter or longer is made again', async () => {
    const { pixels } = await load()
    for (const damage of [
      (path: string) => rm(path),
      (path: string) => truncate(path, 191),
      (path: string) => appendFile(path, 'x'),
    ]) {
      await damage(join(cacheFolder, (await names())[1]!))
      const { store } = await open()
      expect(await store.read([0, 1, 2, 3, 4, 5, 6, 7])).toEqual(pixels)
      await store.close()
    }
  })

  test('a row that is damaged is FILE_FAILED when it is read, and the next start makes the set again', async () => {
    const { pixels } = await load()
    const { store } = await open()
    const path = join(cacheFolder, (await names())[1]!)
    const bytes = await readFile(path)
    bytes[200]! ^= 1
    await writeFile(path, bytes)
    expect((await store.read([3])).length).toBe(192)
    await expect(store.read([2, 3, 4])).rejects.toMatchObject({
      code: 'FILE_FAILED',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('--resume'),
    })
    await store.close()
    const again = await open()
    expect(await again.store.read([0, 1, 2, 3, 4, 5, 6, 7])).toEqual(pixels)
    await again.store.close()
  })

  test('damage that memory would be filled with is found at once', async () => {
    const { pixels } = await load()
    const path = join(cacheFolder, (await names())[0]!)
    const bytes = await readFile(path)
    bytes[0]! ^= 1
    await writeFile(path, bytes)
    const again = await load()
    // What was found out about the broken picture is whole.
    expect(again.decoded).toBe(COUNT)
    expect(again.pixels).toEqual(pixels)
  })
})
