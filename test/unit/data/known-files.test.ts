/** Files that an earlier start has read are not read again, unless anything about them has changed. */
import { appendFile, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DatasetHooks } from '../../../lib/data/dataset.ts'
import { settled } from '../../../lib/data/known-files.ts'
import * as decoder from '../../../lib/images/decode.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'
import { tarMember, writeTar } from '../../helpers/tar.ts'

vi.mock('../../../lib/images/decode.ts', { spy: true })

const before = { ...settled }
let root: string
let cacheFolder: string
beforeEach(async () => {
  // Long enough for a clock of the kernel to go on between two writes of a test.
  settled.ms = 15
  root = temporaryFolder()
  cacheFolder = temporaryFolder()
  for (let i = 0; i < 4; i++) await put(i, i)
  await sleep(30)
})
afterEach(() => void Object.assign(settled, before))

const png = (colour: number) =>
  flat([50 * colour, 9, 9])
    .png()
    .toBuffer()
const at = (i: number) => join(root, `${i}.png`)
const put = async (i: number, colour: number) => writeFile(at(i), await png(colour))
const scan = async () => join(cacheFolder, (await readdir(cacheFolder)).find((name) => name.endsWith('.scan'))!)

/** How many files are read by a start. */
async function reads(data: string = root, hooks: DatasetHooks = {}) {
  const count = () => vi.mocked(decoder.readBytes).mock.calls.length
  const from = count()
  const { manifest } = await loadPixels(datasetOptions(data), { cacheFolder, ...hooks })
  return { read: count() - from, hashes: manifest.files.map(({ sha256 }) => sha256) }
}

test('a second start reads none, and says the same', async () => {
  const first = await reads()
  // Each is read to know it, and once more to decode it.
  expect(first.read).toBe(8)
  const second = await reads()
  expect(second).toEqual({ read: 0, hashes: first.hashes })
})

test('those of an archive are known by the archive', async () => {
  const members = await Promise.all([0, 1, 2].map(async (i) => tarMember(`${i}.png`, await png(i))))
  const file = writeTar(join(root, 'a.tar'), members)
  await sleep(30)
  const first = await reads(file)
  expect([first.read, (await reads(file)).read]).toEqual([6, 0])
  writeTar(file, [members[0]!, tarMember('1.png', await png(4)), members[2]!])
  const changed = await reads(file)
  expect(changed.read).toBe(4)
  expect(changed.hashes[1]).not.toBe(first.hashes[1])
})

test('other content is read, of equal length and with the time set back as well', async () => {
  const first = await reads()
  const { atime, mtime, size } = await stat(at(1))
  const other = Buffer.from(await readFile(at(2)))
  expect(other.length).toBe(size)
  await writeFile(at(1), other)
  await utimes(at(1), atime, mtime)
  const second = await reads()
  expect(second.read).toBe(1)
  expect(second.hashes[1]).toBe(first.hashes[2])
  await rename(at(3), join(root, 'moved.png'))
  await rename(at(0), at(3))
  expect((await reads()).hashes).toEqual([first.hashes[2], first.hashes[2], first.hashes[0], first.hashes[3]])
})

test('what changed a moment ago is not trusted', async () => {
  settled.ms = 60_000
  await reads()
  expect((await reads()).read).toBe(4)
  expect(await readdir(cacheFolder)).toEqual([expect.stringMatching(/\.pixels$/)])
})

describe('the record', () => {
  test('that is damaged, cut short or foreign is no help and does no harm', async () => {
    const first = await reads()
    const path = await scan()
    const whole = await readFile(path, 'utf8')
    const lines = whole.split('\n')
    const damaged: [string, number][] = [
      ['', 4],
      [whole.slice(0, -10), 1],
      [whole.replace(/[0-9a-f]{64}/, 'f'.repeat(64)), 1],
      [`${lines[0]}${lines[1]}\n${lines[2]}\n${lines[3]}\n`, 2],
      ['\0\xff\n'.repeat(1000), 4],
    ]
    for (const [text, read] of damaged) {
      await writeFile(path, text)
      expect(await reads()).toEqual({ read, hashes: first.hashes })
      expect((await reads()).read).toBe(0)
    }
  })

  test('that cannot be written leaves the start as it is; a dry run writes none', async () => {
    await reads(root, { readOnly: true })
    expect(await readdir(cacheFolder)).toEqual([])
    const file = join(temporaryFolder(), 'file')
    await writeFile(file, '')
    expect((await reads(root, { cacheFolder: join(file, 'pixels') })).read).toBe(8)
  })

  test('forgets files that are gone', async () => {
    await reads()
    const path = await scan()
    for (const i of [0, 1, 2]) await rm(at(i))
    await appendFile(path, 'x\n')
    await reads()
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(1)
    expect((await reads()).read).toBe(0)
  })
})
