/** Interrupted starts: what was decoded is there for the next one, and is never wrong. */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { DecodeJournal as Cache } from '../../../lib/data/decode-journal.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { anyLook, datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'

let root: string
let cacheFolder: string
beforeEach(async () => {
  root = temporaryFolder()
  cacheFolder = join(temporaryFolder(), 'pixels')
  for (let i = 0; i < 12; i++)
    await flat([20 * i, 255 - 20 * i, 7])
      .png()
      .toFile(join(root, `${String(i).padStart(2, '0')}.png`))
  await writeFile(join(root, '05.png'), 'broken')
  await copyFile(join(root, '02.png'), join(root, '11.png'))
})

/** Loads; `seen` is how many pictures were done at each report: the first jumps over those that were recalled. */
async function load(over: Partial<DatasetOptions> = {}, folder = cacheFolder) {
  const seen: number[] = []
  const dataset = await loadPixels(datasetOptions(root, over), {
    cacheFolder: folder,
    onProgress: ({ phase, done }) => {
      if (phase === 'decode') seen.push(done)
    },
  })
  return { ...dataset, seen }
}

/** Loads, and aborts after `count` decoded pictures. */
async function interrupt(count: number, over: Partial<DatasetOptions> = {}) {
  const controller = new AbortController()
  const call = loadPixels(datasetOptions(root, over), {
    cacheFolder,
    signal: controller.signal,
    onProgress: ({ phase, done }) => {
      if (phase === 'decode' && done >= count) controller.abort()
    },
  })
  await expect(call).rejects.toMatchObject({ code: 'ABORT_ERR' })
}

const partials = async (folder = cacheFolder) => (await readdir(folder)).filter((name) => name.endsWith('.partial'))

/** What a start that nobody interrupts makes of the same pictures. */
async function uninterrupted(over: Partial<DatasetOptions> = {}) {
  const { pixels, manifest } = await load(over, temporaryFolder())
  return { pixels, manifest }
}

test('the next start goes on where an interrupted one ended, and leaves no traces', async () => {
  const expected = await uninterrupted()
  await interrupt(4)
  expect(await partials()).toHaveLength(1)
  const again = await load()
  expect(again.seen[0]).toBeGreaterThanOrEqual(4)
  expect(again.seen.at(-1)).toBe(12)
  expect(again).toMatchObject(expected)
  expect(await readdir(cacheFolder)).toEqual([expect.stringMatching(/\.pixels$/)])
  expect((await load()).seen).toEqual([])
})

test('several interruptions add up', async () => {
  const expected = await uninterrupted()
  await interrupt(3)
  await interrupt(9)
  expect(await partials()).toHaveLength(2)
  const again = await load()
  expect(again.seen[0]).toBeGreaterThanOrEqual(9)
  expect(again).toMatchObject(expected)
  expect(await partials()).toEqual([])
})

test('a picture more, or one that changed, is decoded; the others are not', async () => {
  await interrupt(8)
  await flat([1, 2, 3]).png().toFile(join(root, '00.png'))
  await flat([4, 5, 6]).png().toFile(join(root, 'new.png'))
  const again = await load()
  expect(again.seen[0]).toBeGreaterThanOrEqual(7)
  expect(again.seen[0]).toBeLessThan(12)
  expect(again).toMatchObject(await uninterrupted())
  expect([...again.pixels.subarray(0, 3)]).toEqual([1, 2, 3])
})

test('a whole start over other pictures leaves it alone', async () => {
  await interrupt(6)
  const other = temporaryFolder()
  await flat([9, 9, 9]).png().toFile(join(other, 'a.png'))
  await loadPixels(datasetOptions(other), { cacheFolder })
  expect((await load()).seen[0]).toBeGreaterThanOrEqual(6)
  expect(await partials()).toEqual([])
})

test('other settings do not see it', async () => {
  await interrupt(8)
  for (const over of [{ size: 16 }, { channels: 4 as const }, { fit: 'contain' as const }, { background: '#000' }])
    expect((await load(over)).seen[0]).toBe(1)
  expect((await load()).seen[0]).toBeGreaterThanOrEqual(8)
})

test('a file that was cut short or damaged gives the pictures before the damage, and never a wrong one', async () => {
  const settings = datasetOptions('')
  const list = Array.from({ length: 6 }, (_, i) => createHash('sha256').update(`${i}`).digest('hex'))
  const decodings = list.map((_, i) => ({
    outcome: i === 2 ? { reason: 'broken' } : { width: 9, height: 9, format: 'png', optOut: false, ...anyLook },
    pixels: new Uint8Array(i === 2 ? 0 : 8 * 8 * 3).fill(i + 1),
  }))
  const writer = await Cache.open(cacheFolder, settings)
  for (const [i, content] of list.entries()) await writer.add(content, decodings[i]!)
  await writer.keep()
  const [name] = await partials()
  const whole = await readFile(join(cacheFolder, name!))
  const counts = new Set<number>()
  const places = Array.from({ length: Math.ceil(whole.length / 13) }, (_, i) => 13 * i)
  for (const at of [...places, whole.length]) {
    const cut = whole.subarray(0, at)
    const flipped = whole.map((byte, i) => (i === at ? byte ^ 0x10 : byte))
    for (const bytes of [cut, flipped, Buffer.concat([cut, Buffer.alloc(whole.length - at)])]) {
      await writeFile(join(cacheFolder, name!), bytes)
      const seen: number[] = []
      await (await Cache.open(cacheFolder, settings)).recall(list, (index, decoding) => {
        seen.push(index)
        expect(decoding.outcome).toEqual(decodings[index]!.outcome)
        expect(Buffer.compare(decoding.pixels, decodings[index]!.pixels)).toBe(0)
      })
      expect(seen).toEqual(list.map((_, i) => i).slice(0, seen.length))
      counts.add(seen.length)
    }
  }
  expect([...counts].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
})

test('a broken picture is remembered, and with onUnreadable "fail" the first in order still ends the call', async () => {
  await interrupt(11)
  await writeFile(join(root, '00.png'), 'broken too')
  await expect(load({ onUnreadable: 'fail' })).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: expect.stringContaining('00.png'),
  })
  expect((await load()).manifest.skipped.map(({ path }) => path)).toEqual(['00.png', '05.png'])
})

test('pictures are on disk while others are decoded: a killed process loses little', async () => {
  const copied = temporaryFolder()
  let copy: Promise<void> | undefined
  const hooks = {
    cacheFolder,
    onProgress: ({ phase, done }: { phase: string; done: number }) => {
      if (phase !== 'decode' || done !== 9) return
      copy = partials().then(async ([name]) => copyFile(join(cacheFolder, name!), join(copied, name!)))
    },
  }
  // 768 kB a picture: each second one is written.
  await loadPixels(datasetOptions(root, { size: 512 }), hooks)
  await copy
  const again = await load({ size: 512 }, copied)
  expect(again.seen[0]).toBeGreaterThanOrEqual(4)
  expect(Buffer.compare(again.pixels, (await load({ size: 512 })).pixels)).toBe(0)
})

test('a folder that cannot be written changes nothing but the warning', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  const { count, warnings } = await load({ size: 512 }, join(file, 'pixels'))
  expect(count).toBe(11)
  expect(warnings.at(-1)).toMatch(/could not be kept/)
})

test('what nobody came back for is removed after a month', async () => {
  await interrupt(4)
  const [name] = await partials()
  const old = Date.now() / 1000 - 31 * 24 * 3600
  await utimes(join(cacheFolder, name!), old, old)
  await load({ size: 16 })
  expect(await partials()).toEqual([])
  expect((await load()).seen[0]).toBe(1)
})

test('a folder or a pipe of that name is passed over', async () => {
  await interrupt(4)
  const [name] = await partials()
  await rm(join(cacheFolder, name!))
  await mkdir(join(cacheFolder, name!))
  expect((await load()).seen[0]).toBe(1)
  expect((await stat(cacheFolder)).isDirectory()).toBe(true)
})
