/** Pixels in memory and in a file: the same rows, however they came there; what fails has a code. */
import { writeFileSync } from 'node:fs'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DatasetHooks, type DatasetOptions, loadDataset } from '../../../lib/data/dataset.ts'
import { source } from '../../../lib/files/read.ts'
import * as system from '../../../lib/system/memory.ts'
import { errno, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, GREEN, loadPixels } from '../../helpers/pictures.ts'

vi.mock('../../../lib/system/memory.ts', { spy: true })

const COUNT = 40
let root: string
let cacheFolder: string
beforeEach(async () => {
  root = temporaryFolder()
  cacheFolder = temporaryFolder()
  for (let i = 0; i < COUNT; i++)
    await flat([6 * i, 255 - 6 * i, 7])
      .png()
      .toFile(join(root, `${String(i).padStart(2, '0')}.png`))
  // A gap between those that can be decoded.
  await writeFile(join(root, '11-broken.png'), 'broken')
})
const reading = { ...source }
afterEach(() => {
  Object.assign(source, reading)
  vi.mocked(system.usableMemory).mockRestore()
})

const load = (over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  loadDataset(datasetOptions(root, over), { cacheFolder, ...hooks })
const inFile = (over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  load({ pixelStore: 'file', ...over }, hooks)
const onlyFile = async () => {
  const names = await readdir(cacheFolder)
  expect(names).toEqual([expect.stringMatching(/\.pixels$/)])
  return join(cacheFolder, names[0]!)
}

/** Counts pictures that were decoded. */
function counting() {
  const seen = { decoded: 0 }
  const onProgress: DatasetHooks['onProgress'] = ({ phase }) => {
    if (phase === 'decode') seen.decoded += 1
  }
  return { seen, onProgress }
}

describe('rows', () => {
  test.each([
    ['in order', Array.from({ length: COUNT }, (_, i) => i)],
    ['backward', Array.from({ length: COUNT }, (_, i) => COUNT - 1 - i)],
    ['some, and some twice', [7, 7, 0, 39, 12, 7, 38, 0]],
    ['one', [23]],
    ['none', []],
  ])('%s are the same from either store', async (_, indices) => {
    const [memory, file] = [await load(), await inFile()]
    expect(file.store).toMatchObject({ count: COUNT, size: 8, channels: 3, resident: null })
    expect(memory.store.resident?.length).toBe(COUNT * 192)
    const rows = await file.store.read(Int32Array.from(indices))
    expect(rows.length).toBe(indices.length * 192)
    expect(Buffer.compare(rows, await memory.store.read(indices))).toBe(0)
    expect(indices.map((_, place) => rows[place * 192])).toEqual(indices.map((index) => 6 * index))
    await file.store.close()
  })

  test('far apart and long ones are read too', async () => {
    const size = 512
    const [memory, file] = [await load({ size }), await inFile({ size })]
    const indices = [39, 0, 1, 2, 20]
    expect(Buffer.compare(await file.store.read(indices), await memory.store.read(indices))).toBe(0)
    await file.store.close()
  })
})

describe('the file', () => {
  test('is the one of the cache, whoever wrote it: nothing is decoded again', async () => {
    const first = await load()
    const { seen, onProgress } = counting()
    const second = await inFile({}, { onProgress })
    await second.store.close()
    expect(seen.decoded).toBe(0)
    expect({ ...second, store: null }).toEqual({ ...first, store: null })
    const written = await readFile(await onlyFile())
    cacheFolder = temporaryFolder()
    await (await inFile()).store.close()
    expect((await readFile(await onlyFile())).equals(written)).toBe(true)
    expect((await load({}, { onProgress })).manifest).toEqual(first.manifest)
    expect(seen.decoded).toBe(0)
  })

  test('is made again where it is damaged or missing', async () => {
    const expected = await loadPixels(datasetOptions(root, { pixelStore: 'file' }), { cacheFolder })
    const path = await onlyFile()
    const whole = await readFile(path)
    const flipped = (at: number) => Buffer.from(whole.map((byte, i) => (i === at ? byte ^ 1 : byte)))
    for (const bytes of [whole.subarray(0, 0), whole.subarray(0, -1), flipped(2), flipped(900), flipped(4000)]) {
      await writeFile(path, bytes)
      const { seen, onProgress } = counting()
      const again = await loadPixels(datasetOptions(root, { pixelStore: 'file' }), { cacheFolder, onProgress })
      expect(seen.decoded).toBe(COUNT + 1)
      expect(again).toEqual(expected)
      expect((await readFile(path)).equals(whole)).toBe(true)
    }
  })

  test('goes on where an interrupted start ended', async () => {
    const expected = await loadPixels(datasetOptions(root), { cacheFolder: temporaryFolder() })
    const controller = new AbortController()
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done }) => {
      if (phase === 'decode' && done >= 20) controller.abort()
    }
    await expect(inFile({}, { signal: controller.signal, onProgress })).rejects.toMatchObject({ code: 'ABORT_ERR' })
    const seen: number[] = []
    const again = await loadPixels(datasetOptions(root, { pixelStore: 'file' }), {
      cacheFolder,
      onProgress: ({ phase, done }) => void (phase === 'decode' && seen.push(done)),
    })
    expect(seen[0]).toBeGreaterThanOrEqual(20)
    expect(again).toEqual(expected)
    await onlyFile()
  })

  test('of pictures that changed while they were read lasts for this start alone', async () => {
    const other = await flat(GREEN).png().toBuffer()
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done, total }) => {
      if (phase === 'read' && done === total) writeFileSync(join(root, '00.png'), other)
    }
    const { store, manifest } = await inFile({}, { onProgress })
    expect(manifest.skipped.map(({ path }) => path)).toEqual(['00.png', '11-broken.png'])
    expect((await readdir(cacheFolder)).filter((name) => !/-[0-9a-f-]{36}\.partial$/.test(name))).toEqual([])
    expect([...(await store.read([0])).subarray(0, 3)]).toEqual([6, 249, 7])
    await store.close()
    expect([...(await loadPixels(datasetOptions(root), { cacheFolder })).pixels.subarray(0, 3)]).toEqual(GREEN)
  })

  test('is filled without room for the whole set in memory', async () => {
    const size = 256
    const all = COUNT * size ** 2 * 3
    vi.stubGlobal(
      'Uint8Array',
      class extends Uint8Array {
        static override [Symbol.hasInstance](value: unknown) {
          return Object.prototype.toString.call(value) === '[object Uint8Array]'
        }

        constructor(...given: [number]) {
          if (typeof given[0] === 'number' && given[0] >= all) throw new RangeError('Array buffer allocation failed')
          super(...given)
        }
      },
    )
    try {
      await expect(load({ size })).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        hint: expect.stringContaining('pixelStore'),
      })
      const { store } = await inFile({ size })
      expect((await store.read([3])).length).toBe(size ** 2 * 3)
      await store.close()
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe('failures', () => {
  const isFileFailure = { code: 'FILE_FAILED', hint: expect.stringContaining('--resume') }

  test('a file that became shorter, and one that cannot be read, are FILE_FAILED', async () => {
    const { store } = await inFile()
    const path = await onlyFile()
    // Within the last row.
    await truncate(path, 8 + 39 * 192 + 10)
    expect((await store.read([0])).length).toBe(192)
    await expect(store.read([0, 39])).rejects.toMatchObject({
      ...isFileFailure,
      message: expect.stringContaining('the file ends before them'),
    })
    await store.close()
    await expect(store.read([0])).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })

  test('an error of the disk is FILE_FAILED', async () => {
    await (await inFile()).store.close()
    let broken = false
    source.open = async (path, flags) => {
      const file = await reading.open(path, flags)
      const { read } = file
      file.read = (async (...given: Parameters<typeof read>) => {
        if (broken) throw errno('EIO')
        return read.apply(file, given)
      }) as typeof read
      return file
    }
    const { store } = await inFile()
    broken = true
    await expect(store.read([5])).rejects.toMatchObject({ ...isFileFailure, message: expect.stringContaining('EIO') })
    await store.close()
  })

  test('a full disk ends the start with DISK_FULL and what to do, at every write', async () => {
    const { fired, error } = await withFault({ at: 1, only: ['write'], code: 'ENOSPC' }, () => inFile())
    expect([fired, error]).toEqual([
      true,
      expect.objectContaining({ code: 'DISK_FULL', hint: expect.stringMatching(/SHINSAKU_CACHE.*pixelStore/) }),
    ])
    expect((await readdir(cacheFolder)).filter((name) => name.endsWith('.pixels'))).toEqual([])
    const later = await withFault({ at: 2, only: ['write'], code: 'ENOSPC' }, () => inFile())
    expect(later.error).toMatchObject({ code: 'DISK_FULL' })
    await (await inFile()).store.close()
    await onlyFile()
  })

  test('a folder that cannot be made is FILE_FAILED', async () => {
    const file = join(temporaryFolder(), 'file')
    await writeFile(file, '')
    cacheFolder = join(file, 'pixels')
    await expect(inFile()).rejects.toMatchObject({ code: 'FILE_FAILED', hint: expect.stringContaining(cacheFolder) })
  })
})

test('"auto" takes the file where pixels would fill more than a quarter of the memory', async () => {
  const bytes = (COUNT + 1) * 192
  vi.mocked(system.usableMemory).mockReturnValue(4 * bytes)
  expect((await load({ pixelStore: 'auto' })).store.resident).not.toBe(null)
  vi.mocked(system.usableMemory).mockReturnValue(4 * bytes - 1)
  const { store } = await load({ pixelStore: 'auto' })
  expect(store.resident).toBe(null)
  await store.close()
})
