/** Odd and hostile pictures and folders: decoded as a reference shows them, or a line in the report; never a crash. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DatasetHooks, DatasetOptions } from '../../../lib/data/dataset.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { type OddFile, oddFiles } from '../../helpers/odd-pictures.ts'
import { useLittlePatience } from '../../helpers/patience.ts'
import {
  BLUE,
  type Colour,
  datasetOptions,
  draw,
  flat,
  GREEN,
  loadPixels,
  noise,
  pixelAt,
  RED,
} from '../../helpers/pictures.ts'
import { tally, times } from '../../helpers/tally.ts'

useLittlePatience()
let cacheFolder: string
beforeEach(() => {
  cacheFolder = temporaryFolder()
})

const load = (data: DatasetOptions['data'], over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  loadPixels(datasetOptions(data, over), { cacheFolder, ...hooks })

const options = datasetOptions('')
const BYTES = options.size ** 2 * options.channels

/** How far the pixels of picture `index` are from a colour, at most. */
function distance(pixels: Uint8Array, index: number, colour: Colour): number {
  const picture = pixels.subarray(index * BYTES, (index + 1) * BYTES)
  return picture.reduce((most, value, i) => Math.max(most, Math.abs(value - colour[i % 3]!)), 0)
}

/** Runs as a user to whom something can be forbidden. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const root = process.geteuid!() === 0
  if (root) process.seteuid!(65534)
  try {
    return await work()
  } finally {
    if (root) process.seteuid!(0)
  }
}

describe('R43 odd and hostile pictures', () => {
  test('are decoded as their colours are, or listed with a reason', async () => {
    const root = temporaryFolder()
    const files = await oddFiles()
    expect(files.length).toBeGreaterThan(60)
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length)
    for (const { name, bytes } of files) await writeFile(join(root, name), bytes)
    const { manifest, pixels } = await load(root)
    const used = new Map(manifest.files.map(({ path }, index) => [path, index]))
    const reasons = new Map(manifest.skipped.map(({ path, reason }) => [path, reason]))
    const wrong = files.filter(({ name, fate }: OddFile) => {
      if ('reason' in fate) return used.has(name) || !fate.reason.test(reasons.get(name) ?? '')
      const index = used.get(name)
      if (index === undefined) return true
      return 'colour' in fate && distance(pixels, index, fate.colour) > (fate.tolerance ?? 0)
    })
    expect(wrong.map(({ name }) => `${name}: ${reasons.get(name)}`)).toEqual([])
    expect(manifest.files.length + manifest.skipped.length).toBe(files.length)
    // One line each: what goes into logs and reports has no line ends of others.
    for (const reason of reasons.values()) expect(reason).toMatch(/^[^\n]{1,300}$/)
    expect(JSON.parse(JSON.stringify(manifest)).files).toEqual(manifest.files)
    tally('Picture files: decoded as their colours are, or listed with a reason', files.length, files.length)
  })

  test('what is no file: pipes, loops, sockets, folders with the name of pictures, what may not be read', async () => {
    const root = temporaryFolder()
    await flat(RED).png().toFile(join(root, 'a.png'))
    await mkdir(join(root, 'folder.png'))
    await mkdir(join(root, 'closed'))
    await writeFile(join(root, 'closed', 'b.png'), '')
    execFileSync('mkfifo', [join(root, 'pipe.png')])
    await symlink('loop-b.png', join(root, 'loop-a.png'))
    await symlink('loop-a.png', join(root, 'loop-b.png'))
    await symlink('.', join(root, 'self'))
    await symlink('/dev/zero', join(root, 'zero.png'))
    await symlink('/proc/self/mem', join(root, 'memory.png'))
    await flat(BLUE).png().toFile(join(root, 'unreadable.png'))
    await chmod(join(root, 'unreadable.png'), 0)
    await chmod(join(root, 'closed'), 0)
    await chmod(root, 0o755)
    await chmod(cacheFolder, 0o777)
    const { manifest } = await asNobody(() => load(root))
    await chmod(join(root, 'closed'), 0o755)
    expect(manifest.files.map(({ path }) => path)).toEqual(['a.png'])
    expect(Object.fromEntries(manifest.skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      closed: 'the folder cannot be read: EACCES',
      'loop-a.png': 'a link to nothing: ELOOP',
      'loop-b.png': 'a link to nothing: ELOOP',
      'memory.png': expect.stringMatching(/^a link/),
      'pipe.png': 'not a regular file',
      self: 'a link to a folder',
      'unreadable.png': 'permission denied',
      'zero.png': 'a link out of the folder',
    })
    tally('Links, pipes, folders and files that may not be read: listed with a reason', 8, manifest.skipped.length)
  })

  test('extensions that objects have already are counted as others are', async () => {
    const root = temporaryFolder()
    await flat(RED).png().toFile(join(root, 'a.png'))
    for (const name of ['a.__proto__', 'b.constructor', 'c.constructor', 'd.toString', 'e.txt'])
      await writeFile(join(root, name), '')
    const { manifest, warnings } = await load(root)
    const expected = [
      ['__proto__', 1],
      ['constructor', 2],
      ['tostring', 1],
      ['txt', 1],
    ]
    expect(Object.entries(manifest.ignored).sort()).toEqual(expected)
    expect(Object.entries(JSON.parse(JSON.stringify(manifest)).ignored).sort()).toEqual(expected)
    expect(warnings.join('\n')).toContain('Ignored: 5 files of other kinds: .constructor 2')
  })
})

describe('R44 files that change while they are read', () => {
  const three = async () => {
    const root = temporaryFolder()
    for (const [i, colour] of [RED, GREEN, BLUE].entries())
      await flat(colour, 12)
        .png()
        .toFile(join(root, `${i}.png`))
    return root
  }
  /** Does something once all files have been read for the first time, before any is decoded. */
  const between = (what: () => void): DatasetHooks => ({
    onProgress: ({ phase, done, total }) => {
      if (phase === 'read' && done === total) what()
    },
  })

  test('one that is deleted is listed; the others are used, and nothing is kept', async () => {
    const root = await three()
    const { manifest, pixels } = await load(
      root,
      {},
      between(() => rmSync(join(root, '1.png'))),
    )
    expect(manifest.skipped).toEqual([{ path: '1.png', reason: 'no such file or directory' }])
    expect([distance(pixels, 0, RED), distance(pixels, 1, BLUE)]).toEqual([0, 0])
    expect((await load(root)).manifest.skipped).toEqual([])
  })

  test('one that is replaced, cut or made a folder is listed', async () => {
    const root = await three()
    const other = await flat([1, 2, 3], 12).png().toBuffer()
    const { manifest, pixels } = await load(
      root,
      {},
      between(() => {
        writeFileSync(join(root, '0.png'), other)
        writeFileSync(join(root, '1.png'), readFileSync(join(root, '1.png')).subarray(0, 40))
      }),
    )
    const changed = 'it changed while the data was read'
    expect(manifest.skipped).toEqual(['0.png', '1.png'].map((path) => ({ path, reason: changed })))
    expect(distance(pixels, 0, BLUE)).toBe(0)
    tally('Files replaced or cut while they are read: listed, and the others used', 2, 2)
  })

  test('a folder that goes away while it is read is DATA_EMPTY, with what was lost', async () => {
    const root = await three()
    const away = `${root}-away`
    const call = load(
      root,
      {},
      between(() => execFileSync('mv', [root, away])),
    )
    await expect(call).rejects.toMatchObject({
      code: 'DATA_EMPTY',
      message: expect.stringContaining('0.png (no such file or directory)'),
    })
    await rename(away, root)
  })

  test('where onUnreadable is "fail" the first of them ends the call', async () => {
    const root = await three()
    const call = load(
      root,
      { onUnreadable: 'fail' },
      between(() => rmSync(join(root, '1.png'))),
    )
    await expect(call).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringMatching(/1\.png.*no such file/),
    })
  })
})

describe('R45 little data', () => {
  test('an empty folder, and one of empty folders, is DATA_EMPTY', async () => {
    const root = temporaryFolder()
    await mkdir(join(root, 'a/b/c'), { recursive: true })
    await expect(load(root)).rejects.toMatchObject({ code: 'DATA_EMPTY' })
    await expect(load(join(root, 'a/b/c'))).rejects.toMatchObject({ code: 'DATA_EMPTY' })
  })

  test('one picture, and two, are data', async () => {
    const root = temporaryFolder()
    await flat(RED).png().toFile(join(root, 'a.png'))
    expect((await load(root)).count).toBe(1)
    await flat(BLUE).png().toFile(join(root, 'b.png'))
    expect((await load(root)).count).toBe(2)
  })
})

/** Tiny pictures, all different, in folders of a thousand. */
async function manyFiles(root: string, count: number): Promise<void> {
  const [r, g, b] = await Promise.all(
    [1, 2, 3].map((seed) =>
      draw(2, 2, (x, y) => [noise(seed + x), noise(seed + y), 0])
        .png()
        .toBuffer(),
    ),
  )
  for (let i = 0; i < count; i++) {
    const folder = join(root, String(Math.floor(i / 1000)))
    if (i % 1000 === 0) await mkdir(folder)
    // Behind its last chunk a PNG may hold anything; it makes each file one of its own.
    writeFileSync(join(folder, `${i}.png`), Buffer.concat([[r, g, b][i % 3]!, Buffer.from(String(i))]))
  }
}

/** What a file of the data may cost in memory, beside its pixels: its record, and what reading is ahead by. */
const MAX_BYTES_A_FILE = 10_000
const MAX_AHEAD = 200e6
/** Of the processor; many times what it takes. */
const MAX_MS_A_FILE = 60

test('R46 very many tiny files: every one is used, at little cost of processor and memory; a second start decodes none', async () => {
  const files = times(2000, 100_000)
  const root = temporaryFolder()
  await manyFiles(root, files)
  global.gc?.()
  const before = process.memoryUsage.rss()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 20)
  const started = performance.now()
  const begun = process.cpuUsage()
  const { count, manifest, pixels } = await load(root)
  const first = performance.now() - started
  const { user, system } = process.cpuUsage(begun)
  clearInterval(watch)
  const grown = most - before
  expect([count, manifest.skipped.length, pixels.length]).toEqual([files, 0, files * BYTES])
  expect(grown).toBeLessThan(MAX_AHEAD + files * (BYTES + MAX_BYTES_A_FILE))
  expect((user + system) / 1000).toBeLessThan(files * MAX_MS_A_FILE)
  let decoded = 0
  const again = await load(root, {}, { onProgress: ({ phase }) => void (phase === 'decode' && decoded++) })
  const second = performance.now() - started - first
  expect([again.manifest.digest, decoded]).toEqual([manifest.digest, 0])
  const [a, b] = [first, second].map((ms) => (ms / 1000).toFixed(0))
  tally(
    `Files of about 80 bytes in one folder: all used, in ${a} s and ${Math.round(grown / 1e6)} MB of memory; a second start, ${b} s`,
    files,
    count,
  )
})

test('R47 the order of the files does not depend on that of the folder', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `${noise(i) % 7}/${noise(i * 3)}-${i}.png`)
  const digests: string[] = []
  for (const order of [names, [...names].reverse(), [...names].sort()]) {
    const root = temporaryFolder()
    for (const name of order) {
      await mkdir(join(root, name, '..'), { recursive: true })
      await flat([noise(names.indexOf(name)), 0, 0])
        .png()
        .toFile(join(root, name))
    }
    const { manifest, pixels } = await load(root)
    const sorted = [...names].sort()
    expect(manifest.files.map(({ path }) => path)).toEqual(sorted)
    for (const [index, name] of sorted.entries())
      expect(pixelAt(pixels.subarray(index * BYTES), options, 0, 0)).toEqual([noise(names.indexOf(name)), 0, 0])
    digests.push(manifest.digest)
  }
  expect(new Set(digests).size).toBe(1)
  tally('Orders in which a folder of 40 files was filled: the same data', digests.length, digests.length)
})
