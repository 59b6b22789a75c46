import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { errorTable, ShinsakuError } from '../../../lib/errors.ts'
import { minorOf } from '../../../lib/libtorch/builds.ts'
import { fetchedRoot, findLibtorch } from '../../../lib/libtorch/find.ts'
import { torchVersion } from '../../../lib/libtorch/wheels.ts'
import { userCacheFolder } from '../../../lib/system/cache.ts'
import { elfFor } from '../../helpers/elf.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { emptyMachine, libtorchFiles, unpacked } from '../../helpers/wheels.ts'

beforeEach(() => {
  emptyMachine()
})
afterEach(() => {
  vi.unstubAllEnvs()
})

function failure(): ShinsakuError {
  try {
    findLibtorch()
  } catch (error) {
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(Object.keys(errorTable)).toContain((error as ShinsakuError).code)
    return error as ShinsakuError
  }
  throw new Error('a libtorch was found')
}

/** Puts an unpacked libtorch where a fetched one lies. */
function cached(flavour: 'cpu' | 'cuda', files: Record<string, string>): string {
  const root = fetchedRoot(flavour)
  mkdirSync(dirname(root), { recursive: true })
  renameSync(unpacked(files), root)
  return root
}

/** A Python that answers where torch is, or fails. */
function fakePython(commands: string): void {
  const path = join(temporaryFolder(), 'python')
  writeFileSync(path, `#!/bin/sh\n${commands}\n`, { mode: 0o755 })
  vi.stubEnv('SHINSAKU_PYTHON', path)
}

describe('nothing usable: LIBTORCH_MISSING', () => {
  test('every place that was looked at is listed', () => {
    const error = failure()
    expect(error).toMatchObject({ code: 'LIBTORCH_MISSING', hint: 'Run: npx shinsaku setup' })
    for (const text of ['2.13', 'LIBTORCH: not set', fetchedRoot('cpu'), fetchedRoot('cuda')])
      expect(error.message).toContain(text)
    expect(error.details.named).toBeUndefined()
  })

  test('LIBTORCH names a folder that is not there; the cache is no substitute', () => {
    cached('cpu', libtorchFiles())
    vi.stubEnv('LIBTORCH', '/nowhere/libtorch')
    const error = failure()
    expect(error).toMatchObject({ code: 'LIBTORCH_MISSING', details: { named: 'LIBTORCH' } })
    expect(error.message).toContain('LIBTORCH: /nowhere/libtorch does not exist')
    expect(error.hint).toContain('unset it')
  })

  test('LIBTORCH names a libtorch for another processor', () => {
    const other = process.arch === 'x64' ? 'arm64' : 'x64'
    const root = unpacked(libtorchFiles())
    writeFileSync(join(root, 'lib', 'libc10.so'), elfFor(other))
    vi.stubEnv('LIBTORCH', root)
    const error = failure()
    expect(error).toMatchObject({ code: 'LIBTORCH_MISSING', details: { named: 'LIBTORCH' } })
    expect(error.message).toContain(`${join(root, 'lib')} is for ${other}, not for ${process.arch}`)
    expect(findLibtorch(undefined, other).root).toBe(root)
  })

  test.each([
    [{ 'readme.txt': 'hello' }, /holds no libc10\.so and no libtorch_cpu\.so/],
    [{ 'lib/libc10.so': '', 'build-version': torchVersion }, /lib holds no libtorch_cpu\.so/],
    [{ 'lib/libc10.so': '', 'lib/libtorch_cpu.so': '' }, /holds neither build-version nor version\.py/],
  ])('LIBTORCH names a folder without a whole libtorch: %o', (files: Record<string, string>, message) => {
    const root = unpacked(files)
    vi.stubEnv('LIBTORCH', root)
    const error = failure()
    expect(error.code).toBe('LIBTORCH_MISSING')
    expect(error.message).toMatch(message)
    expect(error.message).toContain(root)
  })

  test('LIBTORCH_USE_PYTORCH=1 with a Python that has no torch, or with none', () => {
    cached('cpu', libtorchFiles())
    vi.stubEnv('LIBTORCH_USE_PYTORCH', '1')
    fakePython('exit 1')
    expect(failure()).toMatchObject({
      code: 'LIBTORCH_MISSING',
      message: expect.stringContaining('python has no package torch'),
    })
    vi.stubEnv('SHINSAKU_PYTHON', '/nowhere/python')
    expect(failure()).toMatchObject({
      message: expect.stringContaining('/nowhere/python has no package torch'),
      details: { named: 'LIBTORCH_USE_PYTORCH' },
    })
  })
})

describe('another version: LIBTORCH_VERSION', () => {
  test.each(['2.12.1', '2.14.0', '1.13.0'])('%s', (version) => {
    const root = unpacked(libtorchFiles(version))
    vi.stubEnv('LIBTORCH', root)
    const error = failure()
    expect(error).toMatchObject({
      code: 'LIBTORCH_VERSION',
      details: { found: version, accepted: [minorOf(torchVersion)], root },
    })
    expect(error.message).toContain(`libtorch ${version} was found in ${root}`)
    expect(error.message).toContain('2.13')
    expect(error.hint).toContain('LIBTORCH_BYPASS_VERSION_CHECK=1')
    vi.stubEnv('LIBTORCH_BYPASS_VERSION_CHECK', '1')
    expect(findLibtorch().version).toBe(version)
  })

  test('a patch of the same minor version will do', () => {
    vi.stubEnv('LIBTORCH', unpacked(libtorchFiles('2.13.7')))
    expect(findLibtorch().version).toBe('2.13.7')
  })
})

describe('what is found', () => {
  test('LIBTORCH first, with the version that a Python package states', () => {
    cached('cpu', libtorchFiles())
    const { 'build-version': _, ...files } = libtorchFiles()
    const root = unpacked({ ...files, 'version.py': `__version__ = '${torchVersion}+cu130'\ndebug = False\n` })
    vi.stubEnv('LIBTORCH', root)
    expect(findLibtorch()).toEqual({
      root,
      lib: join(root, 'lib'),
      include: join(root, 'include'),
      version: torchVersion,
      flavour: 'cpu',
    })
  })

  test('LIBTORCH_LIB and LIBTORCH_INCLUDE name other folders', () => {
    const apart = unpacked({ 'libc10.so': '', 'libtorch_cpu.so': '' })
    vi.stubEnv('LIBTORCH', unpacked({ 'build-version': torchVersion }))
    vi.stubEnv('LIBTORCH_LIB', apart)
    vi.stubEnv('LIBTORCH_INCLUDE', '/usr/include/torch')
    expect(findLibtorch()).toMatchObject({ lib: apart, include: '/usr/include/torch' })
  })

  test('the torch package of the Python at hand', () => {
    const root = unpacked(libtorchFiles())
    vi.stubEnv('LIBTORCH_USE_PYTORCH', '1')
    fakePython(`echo ${root}`)
    expect(findLibtorch().root).toBe(root)
  })

  test('LIBTORCH_USE_PYTORCH=0 asks for nothing: the cache is used, the one for GPUs first', () => {
    vi.stubEnv('LIBTORCH_USE_PYTORCH', '0')
    const cpu = cached('cpu', libtorchFiles())
    expect(findLibtorch()).toMatchObject({ root: cpu, flavour: 'cpu' })
    const cuda = cached('cuda', { ...libtorchFiles(), 'lib/libtorch_cuda.so': '' })
    expect(findLibtorch()).toMatchObject({ root: cuda, flavour: 'cuda' })
  })
})

test('the cache is SHINSAKU_CACHE, else in XDG_CACHE_HOME, else in the home folder', () => {
  vi.stubEnv('SHINSAKU_CACHE', '/a')
  vi.stubEnv('XDG_CACHE_HOME', '/b')
  vi.stubEnv('HOME', '/c')
  expect(userCacheFolder()).toBe('/a')
  vi.stubEnv('SHINSAKU_CACHE', undefined)
  expect(userCacheFolder()).toBe('/b/shinsaku')
  vi.stubEnv('XDG_CACHE_HOME', undefined)
  expect(userCacheFolder()).toBe('/c/.cache/shinsaku')
})
