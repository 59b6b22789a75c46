/** Decoded pixels between starts: when they are used, and when not. */
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { openPixels, storePixels } from '../../../lib/data/pixel-cache.ts'
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

test('pictures of a few bytes, very many of them: what is known of each may take more than its pixels', async () => {
  const count = 60_000
  const entries = Array.from({ length: count }, (_, i) => ({
    content: i.toString(16).padStart(64, '0'),
    outcome: { width: 2, height: i + 1, format: 'png', optOut: false, ...anyLook },
  }))
  const path = join(cacheFolder, 'many.pixels')
  await storePixels(path, cacheFolder, { entries, rows: new Uint8Array(count * 12).fill(7) })
  const found = await openPixels(path, { size: 2, channels: 3 }, count, 'memory')
  expect(found?.entries.length).toBe(count)
  expect(found?.entries.at(-1)).toEqual(entries.at(-1))
})
