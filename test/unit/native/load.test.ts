import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ShinsakuError } from '../../../lib/errors.ts'
import { fetchedRoot, type Libtorch } from '../../../lib/libtorch/find.ts'
import { torchVersion } from '../../../lib/libtorch/wheels.ts'
import { type Loader, loadAddon, loadNative, requireNoOther } from '../../../lib/native/load.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { emptyMachine, fakeDownload, libtorchFiles, makeWheel, torchFiles, unpacked } from '../../helpers/wheels.ts'

// The machine that tests run on may have less room than a libtorch needs.
const { statfs } = vi.hoisted(() => ({ statfs: vi.fn() }))
vi.mock('node:fs/promises', async (original) => ({ ...(await original<object>()), statfs }))

let machine: ReturnType<typeof emptyMachine>
beforeEach(() => {
  machine = emptyMachine()
  statfs.mockResolvedValue({ bavail: 1e9, bsize: 16384 })
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const failure = () =>
  loadNative().then(
    () => expect.unreachable('the addon was loaded'),
    (error) => {
      expect(error).toBeInstanceOf(ShinsakuError)
      return error as ShinsakuError
    },
  )

/** A folder that opens like a libtorch: any shared library will do, and the loader is one. */
function openable(): string {
  const root = unpacked(libtorchFiles())
  const library = fileURLToPath(new URL('../../../build/loader/build/Release/loader.node', import.meta.url))
  for (const name of ['libc10.so', 'libtorch_cpu.so']) copyFileSync(library, join(root, 'lib', name))
  return root
}

/** Makes the addon be looked for in a package that holds nothing, or a file with this text. */
function packageWith(text?: string): void {
  const folder = temporaryFolder()
  if (text !== undefined) {
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true })
    writeFileSync(join(folder, 'build', 'Release', 'shinsaku.node'), text)
  }
  vi.stubEnv('SHINSAKU_PREBUILD', folder)
}

describe('libtorch', () => {
  test('there is none, and nothing is fetched unasked', async () => {
    expect(await failure()).toMatchObject({ code: 'LIBTORCH_MISSING', hint: 'Run: npx shinsaku setup' })
    expect(existsSync(machine.cache)).toBe(false)
  })

  test('another version', async () => {
    vi.stubEnv('LIBTORCH', unpacked(libtorchFiles('2.11.0')))
    expect((await failure()).code).toBe('LIBTORCH_VERSION')
  })

  test('files that are no libraries', async () => {
    const root = unpacked(libtorchFiles())
    vi.stubEnv('LIBTORCH', root)
    const error = await failure()
    expect(error.code).toBe('LIBTORCH_MISSING')
    expect(error.message).toContain(`The libtorch in ${root} could not be opened`)
    expect(error.message).toContain('libc10.so')
    expect(error.cause).toBeInstanceOf(Error)
  })
})

describe('LIBTORCH_CONFLICT', () => {
  const check = (opened: string | null, lib: string) => () =>
    requireNoOther({ opened: () => opened } as unknown as Loader, { lib } as Libtorch)
  const openTwo = () => [openable(), openable()].map((root) => join(root, 'lib')) as [string, string]

  test('another libtorch is loaded', () => {
    const [other, lib] = openTwo()
    const path = join(other, 'libtorch_cpu.so')
    expect(check(path, lib)).toThrow(
      expect.objectContaining({ code: 'LIBTORCH_CONFLICT', details: { other: path, lib } }),
    )
  })

  test('the same one by another name, or none, is no conflict', () => {
    const [real, empty] = openTwo()
    rmSync(join(empty, 'libtorch_cpu.so'))
    symlinkSync(join(real, 'libtorch_cpu.so'), join(empty, 'libtorch_cpu.so'))
    expect(check(join(real, 'libtorch_cpu.so'), empty)).not.toThrow()
    expect(check(null, real)).not.toThrow()
  })
})

describe('SHINSAKU_FETCH=1', () => {
  beforeEach(() => {
    vi.stubEnv('SHINSAKU_FETCH', '1')
    makeWheel(machine.wheels, 'torch', `${torchVersion}+cpu`, torchFiles)
    fakeDownload('echo download; cp "$PIP_FIND_LINKS"/*.whl "$folder"')
  })

  test('fetches at first use', async () => {
    const lines: string[] = []
    const error = await loadAddon((line) => lines.push(line)).catch((e) => e)
    expect(lines.slice(0, 2)).toEqual([`fetching torch ${torchVersion}`, 'download'])
    const flavour = existsSync('/proc/driver/nvidia/version') ? 'cuda' : 'cpu'
    // What was fetched here is only text.
    expect(error.message).toContain(`The libtorch in ${fetchedRoot(flavour)} could not be opened`)
  })

  test('does not fetch past a LIBTORCH that is wrong', async () => {
    vi.stubEnv('LIBTORCH', '/nowhere/libtorch')
    expect((await failure()).code).toBe('LIBTORCH_MISSING')
    expect(existsSync(machine.cache)).toBe(false)
  })

  test('SHINSAKU_OFFLINE=1 is stronger', async () => {
    vi.stubEnv('SHINSAKU_OFFLINE', '1')
    expect((await failure()).code).toBe('LIBTORCH_FETCH_FAILED')
  })
})

describe('ADDON_MISSING', () => {
  beforeEach(() => {
    vi.stubEnv('LIBTORCH', openable())
  })

  test('it is not there', async () => {
    packageWith()
    const error = await failure()
    expect(error.code).toBe('ADDON_MISSING')
    expect(error.message).toContain('The native part "addon" could not be loaded: No native build was found')
    expect(error.hint).toContain('npm run build')
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('it is no addon', async () => {
    packageWith('not a library')
    const error = await failure()
    expect(error.code).toBe('ADDON_MISSING')
    expect(error.message).toMatch(/could not be loaded: .*(too short|ELF)/)
  })
})

test('a load that failed is tried anew, and two calls at once share one', async () => {
  expect((await failure()).code).toBe('LIBTORCH_MISSING')
  vi.stubEnv('LIBTORCH', openable())
  packageWith()
  const [a, b] = await Promise.all([failure(), failure()])
  expect(a.code).toBe('ADDON_MISSING')
  expect(b).toBe(a)
})
