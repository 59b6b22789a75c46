import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findRuns, makeNumberedFolder, runName } from '../../../lib/run/names.ts'
import { forEveryFault, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

async function newest(out: string, name: string): Promise<string | undefined> {
  for await (const run of findRuns(out, name)) return run
  return undefined
}

describe('names', () => {
  test.each([
    ['./icons', 'diffusion-64-icons'],
    ['/data/My Faces (2)/', 'diffusion-64-My-Faces-2'],
    ['builtin:icons', 'diffusion-64-icons'],
    ['builtin:icons:158:7', 'diffusion-64-icons'],
    ['/data/Köln_画像.v2', 'diffusion-64-Köln_画像.v2'],
    ['/data/..evil\n\u0000--', 'diffusion-64-evil'],
    ['/data/###', 'diffusion-64-data'],
    ['/', 'diffusion-64-data'],
    [`/data/${'x'.repeat(300)}`, `diffusion-64-${'x'.repeat(40)}`],
  ])('%j', (data, name) => {
    expect(runName('diffusion', 64, data)).toBe(name)
  })

  test('a list of files, and the present folder', () => {
    expect(runName('dcgan', 32, ['a/b.png', 'c.png'])).toBe('dcgan-32-files')
    expect(runName('dcgan', 32, '.')).toBe(runName('dcgan', 32, process.cwd()))
  })
})

describe('numbers', () => {
  test('begin at 0 and go on after the highest, whatever lies beside', async () => {
    const out = join(temporaryFolder(), 'deep', 'runs')
    expect(await makeNumberedFolder(out, 'a')).toBe(join(out, '00000-a'))
    expect(await makeNumberedFolder(out, 'b')).toBe(join(out, '00001-b'))
    for (const other of ['00007-x', '99-y', 'zzz', '100041-z']) mkdirSync(join(out, other))
    expect(await makeNumberedFolder(out, 'a')).toBe(join(out, '100042-a'))
  })

  test('each of many that ask at once gets its own, under any name', async () => {
    const out = temporaryFolder()
    const folders = await Promise.all(Array.from({ length: 24 }, (_, i) => makeNumberedFolder(out, `name-${i % 3}`)))
    const numbers = folders.map((folder) => basename(folder).slice(0, 5))
    expect(new Set(numbers).size).toBe(24)
    expect(readdirSync(out).sort()).toEqual(folders.map((folder) => basename(folder)).sort())
  })

  test('a number claimed by a process that was killed is passed over', async () => {
    const out = temporaryFolder()
    mkdirSync(join(out, '.00000'))
    expect(await makeNumberedFolder(out, 'a')).toBe(join(out, '00001-a'))
  })

  test('at every fault there is a coded error, and the next call succeeds', async () => {
    await forEveryFault(async (at) => {
      const out = temporaryFolder()
      await makeNumberedFolder(out, 'a')
      const outcome = await withFault({ at, dead: true }, () => makeNumberedFolder(out, 'b'))
      if (outcome.error) expect(outcome.error).toMatchObject({ code: 'FILE_FAILED' })
      expect(basename(await makeNumberedFolder(out, 'c'))).toMatch(/^0000[123]-c$/)
      return outcome
    })
  })

  test('a file in the way is a coded error', async () => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, '')
    await expect(makeNumberedFolder(path, 'a')).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await expect(newest(path, 'a')).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})

test('the newest run of a kind is the one with the highest number that was begun', async () => {
  const out = temporaryFolder()
  expect(await newest(join(out, 'missing'), 'a')).toBeUndefined()
  for (const name of ['00002-a', '00010-a', '100000-a', '00011-b', '00012-a-b', 'x-a']) {
    mkdirSync(join(out, name))
    writeFileSync(join(out, name, 'config.json'), '{}')
  }
  mkdirSync(join(out, '100001-a'))
  expect(await newest(out, 'a')).toBe(join(out, '100000-a'))
  expect(await newest(out, 'b')).toBe(join(out, '00011-b'))
  expect(await newest(out, 'c')).toBeUndefined()
})
