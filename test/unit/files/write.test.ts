import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Appender } from '../../../lib/files/append.ts'
import { isDamage, measure, readJson, readText } from '../../../lib/files/read.ts'
import {
  disk,
  makeFolderDurable,
  makeNewFolder,
  move,
  remove,
  syncFolder,
  toJson,
  toJsonPieces,
  writeDurable,
  writeNew,
} from '../../../lib/files/write.ts'
import { errno, forEveryFault, recorded, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const failed = { code: 'FILE_FAILED' }

describe('durable writing', () => {
  test('bytes, text and streams arrive whole, with length and hash', async () => {
    const folder = temporaryFolder()
    const large = new Uint8Array(3_000_000).map((_, i) => i * 7)
    async function* stream() {
      yield large.subarray(0, 1)
      yield new Uint8Array(0)
      yield large.subarray(1)
    }
    const written = await writeDurable(join(folder, 'a'), stream())
    expect(written).toEqual(await measure(join(folder, 'a')))
    expect(readFileSync(join(folder, 'a')).equals(large)).toBe(true)
    expect(await writeDurable(join(folder, 'b'), 'abc')).toEqual({
      bytes: 3,
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    })
    expect(await writeDurable(join(folder, 'empty'), '')).toMatchObject({ bytes: 0 })
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'empty'])
  })

  test('the file is synced before its name moves, and the folder after', async () => {
    const folder = join(temporaryFolder(), 'f')
    mkdirSync(folder)
    const log = await recorded(() => writeDurable(join(folder, 'name'), 'x'))
    expect(log).toEqual([
      expect.stringMatching(/^sync f\/\.tmp-\d+-\d+-name$/),
      'rename f/name',
      expect.stringMatching(/^sync .*\/f$/),
    ])
  })

  test('short writes are carried on', async () => {
    const path = join(temporaryFolder(), 'short')
    const { write } = disk
    disk.write = async (file, bytes) => write(file, bytes.subarray(0, 3))
    try {
      await writeDurable(path, 'abcdefgh')
    } finally {
      disk.write = write
    }
    expect(readFileSync(path, 'utf8')).toBe('abcdefgh')
  })

  test('a disk that takes nothing is an error, not a loop', async () => {
    const { write } = disk
    disk.write = async () => 0
    try {
      await expect(writeDurable(join(temporaryFolder(), 'x'), 'abc')).rejects.toMatchObject(failed)
    } finally {
      disk.write = write
    }
  })

  test('at every fault the name holds the old bytes or the new ones', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'file')
    for (const dead of [false, true]) {
      writeFileSync(path, 'old')
      const faults = await forEveryFault(async (at) => {
        const outcome = await withFault({ at, dead, code: 'ENOSPC' }, () => writeDurable(path, 'the new bytes'))
        expect(['old', 'the new bytes']).toContain(readFileSync(path, 'utf8'))
        if (outcome.fired) expect(outcome.error).toMatchObject({ code: 'DISK_FULL' })
        else expect(outcome.value).toMatchObject({ bytes: 13 })
        if (!dead) expect(readdirSync(folder)).toEqual(['file'])
        return outcome
      })
      // open, write, sync, close, rename, open, sync, close
      expect(faults).toBe(8)
    }
  })

  test('a failing source leaves nothing behind, and its own error comes through', async () => {
    const folder = temporaryFolder()
    async function* stream() {
      yield Buffer.from('half')
      throw Object.assign(new Error('no more'), { code: 'EDQUOT' })
    }
    await expect(writeDurable(join(folder, 'x'), stream())).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(readdirSync(folder)).toEqual([])
  })

  test('writeNew refuses to overwrite', async () => {
    const path = join(temporaryFolder(), 'x')
    await writeNew(path, 'first')
    await expect(writeNew(path, 'second')).rejects.toMatchObject(failed)
    expect(readFileSync(path, 'utf8')).toBe('first')
  })

  test('folders are made from the top down, each synced in its parent', async () => {
    const folder = temporaryFolder()
    const log = await recorded(() => makeFolderDurable(join(folder, 'a', 'b')))
    expect(statSync(join(folder, 'a', 'b')).isDirectory()).toBe(true)
    expect(log.at(-1)).toMatch(/\/a$/)
    await makeFolderDurable(join(folder, 'a', 'b'))
    writeFileSync(join(folder, 'file'), '')
    await expect(makeFolderDurable(join(folder, 'file', 'below'))).rejects.toMatchObject(failed)
  })

  test('a file system without folder sync is accepted, a failing one is not', async () => {
    const folder = temporaryFolder()
    expect((await withFault({ at: 1, only: ['sync'], code: 'EINVAL' }, () => syncFolder(folder))).error).toBeUndefined()
    expect((await withFault({ at: 1, only: ['sync'], code: 'EIO' }, () => syncFolder(folder))).error).toMatchObject(
      failed,
    )
  })

  test('each helper names its path when it fails', async () => {
    const missing = join(temporaryFolder(), 'missing', 'x')
    for (const work of [() => makeNewFolder(missing), () => move(missing, `${missing}2`), () => syncFolder(missing)]) {
      await expect(work()).rejects.toMatchObject({ ...failed, message: expect.stringContaining(missing) })
    }
    await remove(missing)
    expect((await withFault({ at: 1, only: ['remove'] }, () => remove(missing))).error).toMatchObject(failed)
  })
})

test('what is synced is synced where the handle of a package manager has no sync() of its own', async () => {
  const path = join(temporaryFolder(), 'a')
  const file = await disk.open(path, 'w')
  const handle = { fd: file.fd, sync: () => Promise.reject(new Error('Method not implemented.')) }
  await disk.sync(handle as never)
  await file.close()
  await expect(disk.sync(handle as never)).rejects.toThrow('EBADF')
})

describe('reading', () => {
  const schema = z.strictObject({ a: z.int() })

  test('what is no file is refused without blocking', async () => {
    const folder = temporaryFolder()
    await expect(readText(folder)).rejects.toMatchObject(failed)
    await expect(readText(join(folder, 'missing'))).rejects.toMatchObject(failed)
    await expect(readText('/dev/zero')).rejects.toMatchObject(failed)
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(readText(join(folder, 'pipe'))).rejects.toMatchObject(failed)
    await expect(measure(folder)).rejects.toMatchObject(failed)
  })

  test('bytes that are not UTF-8 are refused', async () => {
    const path = join(temporaryFolder(), 'x')
    writeFileSync(path, Buffer.from([0x61, 0xff]))
    await expect(readText(path)).rejects.toMatchObject(failed)
  })

  test('JSON of another form is refused with the code asked for', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'x.json')
    writeFileSync(path, toJson({ a: 1 }))
    expect(await readJson(path, schema)).toEqual({ a: 1 })
    for (const text of ['', '{', '[]', 'null', '{"a":"1"}', '{"a":1,"b":2}', '{"a":1,"__proto__":{"polluted":1}}']) {
      writeFileSync(path, text)
      await expect(readJson(path, schema)).rejects.toMatchObject({
        code: 'RUN_INVALID',
        message: expect.stringContaining(path),
      })
      await expect(readJson(path, schema, 'CHECKPOINT_INVALID')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
    }
    await expect(readJson(join(folder, 'missing'), schema)).rejects.toMatchObject({ code: 'RUN_INVALID' })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('missing rights are not damage', async () => {
    const { fileError } = await import('../../../lib/errors.ts')
    expect(isDamage(fileError('read', 'x', errno('EIO')))).toBe(true)
    expect(isDamage(fileError('read', 'x', errno('EMFILE')))).toBe(false)
    expect(isDamage(fileError('read', 'x', errno('EACCES')))).toBe(false)
    expect(isDamage(new Error('x'))).toBe(false)
  })
})

describe('appending', () => {
  test('lines arrive in the order of the calls', async () => {
    const path = join(temporaryFolder(), 'log')
    const appender = await Appender.lines(path)
    await Promise.all(Array.from({ length: 50 }, (_, i) => appender.append(`${i}\n`)))
    await appender.sync()
    await appender.close()
    expect(readFileSync(path, 'utf8')).toBe(Array.from({ length: 50 }, (_, i) => `${i}\n`).join(''))
  })

  test('a last line that was cut is taken off, however long it is', async () => {
    const path = join(temporaryFolder(), 'log')
    for (const [before, after] of [
      ['a\nb\ncut', 'a\nb\n'],
      [`a\n${'x'.repeat(200_000)}`, 'a\n'],
      ['x'.repeat(70_000), ''],
      ['a\n', 'a\n'],
      ['', ''],
    ] as const) {
      writeFileSync(path, before)
      const appender = await Appender.lines(path)
      await appender.append('next\n')
      await appender.close()
      expect(readFileSync(path, 'utf8')).toBe(`${after}next\n`)
    }
  })

  test('a record that does not fit leaves no half of it, and the next one is whole', async () => {
    const path = join(temporaryFolder(), 'log')
    const appender = await Appender.lines(path)
    await appender.append('first\n')
    const { error } = await withFault({ at: 1, only: ['write'], code: 'ENOSPC' }, () =>
      appender.append('second, too long\n'),
    )
    expect(error).toMatchObject({ code: 'DISK_FULL' })
    await appender.append('third\n')
    await appender.close()
    expect(readFileSync(path, 'utf8')).toBe('first\nthird\n')
  })

  test('failures to open, sync and close are reported', async () => {
    const path = join(temporaryFolder(), 'log')
    await expect(Appender.lines(join(path, 'below'))).rejects.toMatchObject(failed)
    const appender = await Appender.create(path)
    await expect(Appender.create(path)).rejects.toMatchObject(failed)
    expect((await withFault({ at: 1, only: ['sync'] }, () => appender.sync())).error).toMatchObject(failed)
    expect((await withFault({ at: 1, only: ['close'] }, () => appender.close())).error).toMatchObject(failed)
  })
})

test('long records are written piece by piece as they would be at once', async () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => ({
    path: `a\n"${i}"`,
    labels: { words: ['x', 'y'], none: [] },
  }))
  for (const value of [
    {},
    { a: 1 },
    { list: [] },
    { skipped: undefined, rows: [[1, [2]], null, 'x'], last: { b: [] } },
    { rows, more: rows.slice(0, 2) },
  ]) {
    const pieces: Uint8Array[] = []
    for await (const piece of toJsonPieces(value)) pieces.push(piece)
    expect(Buffer.concat(pieces).toString() === toJson(value)).toBe(true)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(2 ** 21)
  }
})
