import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fetchLibtorch } from '../../../lib/libtorch/fetch.ts'
import { fetchedRoot, findLibtorch } from '../../../lib/libtorch/find.ts'
import { torchVersion, type WheelSet } from '../../../lib/libtorch/wheels.ts'
import { emptyMachine, fakeDownload, makeWheel, torchFiles } from '../../helpers/wheels.ts'

// The machine that tests run on may have less room than a libtorch needs.
const { statfs } = vi.hoisted(() => ({ statfs: vi.fn() }))
vi.mock('node:fs/promises', async (original) => ({ ...(await original<object>()), statfs }))

let machine: ReturnType<typeof emptyMachine>
let wheels: WheelSet
beforeEach(() => {
  statfs.mockResolvedValue({ bavail: 1e9, bsize: 16384 })
  machine = emptyMachine()
  const torch = makeWheel(machine.wheels, 'torch', `${torchVersion}+cpu`, torchFiles)
  wheels = { torch: { cpu: torch, cuda: torch }, runtime: [], cuda: [] }
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** What lies in the cache, hidden files too. */
const inCache = () => (existsSync(machine.libtorch) ? readdirSync(machine.libtorch).sort() : [])
const whole = [`${torchVersion}-cpu`]
const failed = ['.failure-cpu.json']

type Call = Parameters<typeof fetchLibtorch>[0]
const fetchCpu = (more: Call = {}) => fetchLibtorch({ flavour: 'cpu', wheels, ...more })
const failure = (more: Call = {}) =>
  fetchCpu(more).then(
    () => expect.unreachable('libtorch was fetched'),
    (error) => error,
  )

describe('with pip', () => {
  test('a libtorch for CPUs is fetched, without what only Python or a GPU needs', async () => {
    const lines: string[] = []
    const root = await fetchCpu({ onLine: (line) => lines.push(line) })
    expect(root).toBe(fetchedRoot('cpu'))
    expect(findLibtorch()).toMatchObject({ root, version: torchVersion, flavour: 'cpu' })
    expect(readdirSync(join(root, 'lib')).sort()).toEqual(['libc10.so', 'libtorch_cpu.so'])
    expect(readdirSync(root).sort()).toEqual(['include', 'lib', 'version.py'])
    expect(readFileSync(join(root, 'lib', 'libtorch_cpu.so'), 'utf8')).toBe('cpu')
    expect(inCache()).toEqual(whole)
    expect(lines).toEqual([`fetching torch ${torchVersion}`, 'unpacking 1 wheel'])
  })

  test('for another processor: its own wheel, in a folder of its own', async () => {
    const other = process.arch === 'x64' ? 'arm64' : 'x64'
    const version = "__version__ = '2.13.0'\n"
    const files = { ...torchFiles, 'torch/lib/libtorch_cpu.so': other, 'torch/version.py': version }
    const torch = makeWheel(machine.wheels, 'torch', torchVersion, files, other)
    const root = await fetchCpu({ arch: other, wheels: { torch: { cpu: torch }, runtime: [], cuda: [] } })
    expect(root).toBe(fetchedRoot('cpu', { arch: other }))
    expect(root).not.toBe(fetchedRoot('cpu'))
    expect(readFileSync(join(root, 'lib', 'libtorch_cpu.so'), 'utf8')).toBe(other)
    expect(findLibtorch(undefined, other).root).toBe(root)
    expect(() => findLibtorch()).toThrow(expect.objectContaining({ code: 'LIBTORCH_MISSING' }))
  })

  test('there is no libtorch for GPUs on arm64', async () => {
    await expect(fetchLibtorch({ flavour: 'cuda', arch: 'arm64' })).rejects.toMatchObject({
      code: 'PLATFORM_UNSUPPORTED',
      message: expect.stringContaining('linux-arm64'),
      hint: expect.stringContaining('setup --cpu'),
    })
    expect(inCache()).toEqual([])
  })

  test('R73 what is there already is not fetched again, and needs neither network nor Python', async () => {
    const root = await fetchCpu()
    vi.stubEnv('SHINSAKU_OFFLINE', '1')
    vi.stubEnv('SHINSAKU_PYTHON', '/nowhere/python')
    expect(await fetchCpu()).toBe(root)
  })

  describe('the build for GPUs', () => {
    const file = 'nvidia/cu13/lib/libcudart.so.13'

    /** Offers the public build beside or in place of the one for CPUs, and one library it needs. */
    function offerPublic(): void {
      const publicBuild = makeWheel(machine.wheels, 'torch', torchVersion, torchFiles)
      const runtime = [makeWheel(machine.wheels, 'nvidia-cuda-runtime', '13.0.96', { [file]: 'rt' })]
      const cpu = { ...wheels.torch.cpu, files: [...wheels.torch.cpu.files, ...publicBuild.files] }
      wheels = { torch: { cpu, cuda: { ...publicBuild, exact: true } }, runtime, cuda: runtime }
    }

    test('an index without the build for CPUs: the public build, with the libraries it needs to load', async () => {
      rmSync(join(machine.wheels, readdirSync(machine.wheels)[0]!))
      offerPublic()
      const root = await fetchCpu()
      expect(findLibtorch().flavour).toBe('cpu')
      expect(readdirSync(join(root, 'lib'))).not.toContain('libtorch_cuda.so')
      expect(readFileSync(join(root, '..', file), 'utf8')).toBe('rt')
    })

    test('an index with both: each flavour takes its own', async () => {
      offerPublic()
      const cpu = await fetchCpu()
      expect(existsSync(join(cpu, '..', file))).toBe(false)
      const cuda = await fetchCpu({ flavour: 'cuda' })
      expect(findLibtorch()).toMatchObject({ root: cuda, flavour: 'cuda' })
      expect(existsSync(join(cuda, '..', file))).toBe(true)
    })
  })

  test('R73 a wheel with another hash is refused', async () => {
    wheels.torch.cpu = { ...wheels.torch.cpu, files: [{ sha256: '0'.repeat(64), bytes: 1 }] }
    const error = await failure()
    expect(error).toMatchObject({ code: 'LIBTORCH_FETCH_FAILED', details: { code: 1, reason: 'hash' } })
    expect(error.message).toContain(`pip could not fetch torch ${torchVersion}`)
    expect(error.message).toMatch(/do not match the hashes/i)
    expect(error.hint).toContain('not the pinned file')
    expect(inCache()).toEqual(failed)
  })

  test('an index without torch', async () => {
    rmSync(machine.wheels, { recursive: true })
    const error = await failure()
    expect(error.code).toBe('LIBTORCH_FETCH_FAILED')
    expect(error.details.reason).toBe('absent')
    expect(error.message).toMatch(/no matching distribution found for torch/i)
    expect(error.hint).toContain('PIP_FIND_LINKS')
  })

  test('a wheel that would write outside its folder is refused', async () => {
    const path = 'torch/include/../../../../evil.h'
    wheels.torch.cpu = makeWheel(machine.wheels, 'torch', `${torchVersion}+cpu`, { ...torchFiles, [path]: 'x' })
    const error = await failure()
    expect(error.code).toBe('LIBTORCH_FETCH_FAILED')
    expect(error.message).toContain(`unsafe path in torch-${torchVersion}+cpu`)
    expect(inCache()).toEqual([...failed, '.wheels-cpu'])
  })
})

describe('refusals', () => {
  test('SHINSAKU_OFFLINE=1', async () => {
    vi.stubEnv('SHINSAKU_OFFLINE', '1')
    const error = await failure()
    expect(error.code).toBe('LIBTORCH_FETCH_FAILED')
    expect(error.message).toContain('SHINSAKU_OFFLINE=1')
    expect(error.hint).toContain('Unset SHINSAKU_OFFLINE')
    expect(existsSync(machine.cache)).toBe(false)
  })

  test('no Python: TOOL_MISSING with the line that installs it', async () => {
    vi.stubEnv('SHINSAKU_PYTHON', '/nowhere/python')
    const error = await failure()
    expect(error.code).toBe('TOOL_MISSING')
    expect(error.message).toContain('/nowhere/python was not found')
    expect(error.hint).toContain('apt-get install python3-pip')
    expect(inCache()).toEqual(failed)
  })

  test('a Python without pip: TOOL_MISSING', async () => {
    fakeDownload('exit 1', 'echo "No module named pip" >&2; exit 1')
    const error = await failure()
    expect(error.code).toBe('TOOL_MISSING')
    expect(error.message).toContain('has no module pip')
  })

  test('pip fails: the end of what it said, and every line as it comes', async () => {
    const lines: string[] = []
    // The first line comes in two pieces.
    fakeDownload('printf "line "; sleep 0.1; seq -f "%g" 1 40; echo "ERROR: 503" >&2; exit 2')
    const error = await failure({ onLine: (line) => lines.push(line) })
    expect(error).toMatchObject({ code: 'LIBTORCH_FETCH_FAILED', details: { code: 2 } })
    expect(error.message).toContain('ERROR: 503')
    expect(error.message).toContain('\n40')
    expect(error.message).not.toContain('\n5\n')
    expect(lines).toHaveLength(42)
    expect(lines).toContain('line 1')
    expect(inCache()).toEqual(failed)
  })

  test('too little room: DISK_FULL before anything is fetched', async () => {
    statfs.mockResolvedValue({ bavail: 1e5, bsize: 4096 })
    fakeDownload('exit 1')
    const error = await failure()
    expect(error.code).toBe('DISK_FULL')
    expect(error.message).toBe(`Fetching libtorch needs 3.0 GB in ${machine.libtorch}, but 0.4 GB are free`)
    expect(error.hint).toContain('SHINSAKU_CACHE')
  })

  test('the room runs out while pip writes: DISK_FULL', async () => {
    fakeDownload('echo half > "$folder/torch.whl"; echo "OSError: [Errno 28] No space left on device" >&2; exit 2')
    const error = await failure()
    expect(error.code).toBe('DISK_FULL')
    expect(error.message).toContain('[Errno 28]')
    expect(inCache()).toEqual(failed)
  })

  test('the room runs out while it is unpacked: DISK_FULL, and what was fetched is not lost', async () => {
    fakeDownload(
      'cp "$PIP_FIND_LINKS"/*.whl "$folder"',
      'exit 0',
      'echo "OSError: [Errno 28] No space left on device"; exit 1',
    )
    expect((await failure()).code).toBe('DISK_FULL')
    expect(inCache()).toEqual([...failed, '.wheels-cpu'])
    fakeDownload('exit 1')
    await fetchCpu()
    expect(inCache()).toEqual(whole)
  })

  test('no network: what pip says is told apart from an index that lacks the file', async () => {
    vi.stubEnv('PIP_NO_INDEX', undefined)
    vi.stubEnv('PIP_FIND_LINKS', undefined)
    vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple')
    vi.stubEnv('PIP_RETRIES', '1')
    const error = await failure()
    expect(error).toMatchObject({ code: 'LIBTORCH_FETCH_FAILED', details: { reason: 'network' } })
    expect(error.hint).toContain('HTTPS_PROXY')
    expect(error.message).toContain('Connection refused')
  })

  test('a cache that cannot be made: FILE_FAILED', async () => {
    writeFileSync(machine.cache, 'a file')
    const error = await failure()
    expect(error.code).toBe('FILE_FAILED')
    expect(error.message).toContain(machine.libtorch)
  })
})
