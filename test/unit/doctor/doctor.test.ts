import { mkdirSync, renameSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Diagnosis, diagnose, isInRange, type Machine } from '../../../lib/doctor/doctor.ts'
import type { Probe } from '../../../lib/doctor/probe.ts'
import { type Lock, takeLock } from '../../../lib/files/lock.ts'
import { fetchLibtorch } from '../../../lib/libtorch/fetch.ts'
import { fetchedRoot } from '../../../lib/libtorch/find.ts'
import { torchVersion } from '../../../lib/libtorch/wheels.ts'
import { shinsaku } from '../../helpers/cli.ts'
import { emptyMachine, fakeDownload, libtorchFiles, makeWheel, torchFiles, unpacked } from '../../helpers/wheels.ts'

// The machine that tests run on may have less room than a libtorch needs.
const { statfs } = vi.hoisted(() => ({ statfs: vi.fn() }))
vi.mock('node:fs/promises', async (original) => ({ ...(await original<object>()), statfs }))

let machine: ReturnType<typeof emptyMachine>
beforeEach(() => {
  statfs.mockResolvedValue({ bavail: 1e9, bsize: 16384 })
  machine = emptyMachine()
  mkdirSync(machine.libtorch, { recursive: true })
  // No pip is asked for anything but its version, and that at once.
  fakeDownload('exit 9', 'echo "pip 25.0 from /nowhere/pip (python 3.12)"; exit 0')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const works: Probe = {
  builtFor: torchVersion,
  cpu: 'AVX2',
  threads: 2,
  gpu: '',
  gpuProblem: 'the NVIDIA driver is not installed',
  pictures: 'sharp 1',
}
const look = (probe: Probe = works, more: Machine = {}) => diagnose({ probe: async () => probe, ...more })
const found = ({ checks }: Diagnosis, name: string) => checks.find((check) => check.name === name)
const states = ({ checks }: Diagnosis) => Object.fromEntries(checks.map(({ name, state }) => [name, state]))

/** Puts an unpacked libtorch where a fetched one lies. */
function cached(flavour: 'cpu' | 'cuda', files: Record<string, string>): void {
  const root = fetchedRoot(flavour)
  mkdirSync(dirname(root), { recursive: true })
  renameSync(unpacked(files), root)
}

/** Lets a fetch end as `commands` of pip do. */
async function fetchWith(commands: string): Promise<void> {
  fakeDownload(commands)
  const torch = makeWheel(machine.wheels, 'torch', `${torchVersion}+cpu`, torchFiles)
  const wheels = { torch: { cpu: torch, cuda: torch }, runtime: [], cuda: [] }
  await fetchLibtorch({ flavour: 'cpu', wheels }).catch(() => {})
}

describe('a machine on which training works', () => {
  test('with the libtorch for CPUs', async () => {
    cached('cpu', libtorchFiles())
    const diagnosis = await look()
    expect(diagnosis.ok).toBe(true)
    expect(states(diagnosis)).toMatchObject({
      system: 'ok',
      node: 'ok',
      addon: 'ok',
      libtorch: 'ok',
      load: 'ok',
      gpu: 'ok',
      pictures: 'ok',
    })
    expect(found(diagnosis, 'libtorch')?.text).toContain(`${torchVersion} for CPUs`)
    expect(found(diagnosis, 'load')?.text).toContain('AVX2, 2 threads')
    expect(diagnosis.checks.every(({ advice }) => advice === undefined)).toBe(true)
  })

  test('with the one for GPUs', async () => {
    cached('cpu', libtorchFiles())
    cached('cuda', { ...libtorchFiles(), 'lib/libtorch_cuda.so': '' })
    const diagnosis = await look({ ...works, gpu: 'NVIDIA H100', gpuProblem: null })
    expect(found(diagnosis, 'libtorch')?.text).toContain(`${torchVersion} for GPUs`)
    expect(found(diagnosis, 'gpu')).toEqual({ name: 'gpu', state: 'ok', text: 'NVIDIA H100' })
  })
})

describe('a broken machine: the cause is named, with one line of advice', () => {
  type Case = [title: string, arrange: () => unknown, name: string, text: RegExp, advice: RegExp]
  const cases: Case[] = [
    ['nothing installed', () => {}, 'libtorch', /LIBTORCH_MISSING: .*LIBTORCH: not set/, /npx shinsaku setup/],
    [
      'LIBTORCH points nowhere',
      () => vi.stubEnv('LIBTORCH', '/nowhere/libtorch'),
      'libtorch',
      /LIBTORCH_MISSING: .*\/nowhere\/libtorch does not exist/,
      /Correct LIBTORCH/,
    ],
    [
      'another version',
      () => vi.stubEnv('LIBTORCH', unpacked(libtorchFiles('2.7.1'))),
      'libtorch',
      /LIBTORCH_VERSION: libtorch 2\.7\.1 was found .* built for 2\.13/,
      /Unset LIBTORCH/,
    ],
    [
      'offline',
      () => vi.stubEnv('SHINSAKU_OFFLINE', '1'),
      'fetch',
      /SHINSAKU_OFFLINE=1 forbids it/,
      /Unset SHINSAKU_OFFLINE/,
    ],
    [
      'no Python',
      () => vi.stubEnv('SHINSAKU_PYTHON', '/nowhere/python'),
      'python',
      /TOOL_MISSING: .*\/nowhere\/python was not found/,
      /apt-get install python3-pip/,
    ],
    [
      'no space left',
      () => statfs.mockResolvedValue({ bavail: 1e5, bsize: 4096 }),
      'disk',
      /DISK_FULL: Fetching libtorch needs .* but 0\.4 GB are free/,
      /SHINSAKU_CACHE/,
    ],
    [
      'a hash that does not match',
      () => fetchWith('echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."; exit 1'),
      'fetch',
      /the last one failed at 20.*: LIBTORCH_FETCH_FAILED \(hash\)/,
      /not the pinned file/,
    ],
    [
      'no network',
      () => fetchWith('echo "WARNING: Retrying after connection broken by NewConnectionError"; exit 1'),
      'fetch',
      /LIBTORCH_FETCH_FAILED \(network\)/,
      /HTTPS_PROXY/,
    ],
    [
      'the disk filled up',
      () => fetchWith('echo "OSError: [Errno 28] No space left on device"; exit 1'),
      'fetch',
      /DISK_FULL/,
      /Free some space/,
    ],
    [
      'a fetch was cut in the middle',
      () => mkdirSync(join(machine.libtorch, '.wheels-cpu')),
      'fetch',
      /cut before its end/,
      /npx shinsaku setup/,
    ],
  ]
  test.each(cases)('%s', async (_, arrange, name, text, advice) => {
    await arrange()
    const diagnosis = await look()
    expect(diagnosis.ok).toBe(false)
    expect(found(diagnosis, name)).toEqual({
      name,
      state: 'wrong',
      text: expect.stringMatching(text),
      advice: expect.stringMatching(advice),
    })
    for (const check of diagnosis.checks) expect(JSON.stringify(check)).not.toContain('\\n')
  })

  test('another process is fetching', async () => {
    const lock = (await takeLock(machine.libtorch, 'lock-cpu')) as Lock
    expect(found(await look(), 'fetch')).toMatchObject({
      state: 'wrong',
      text: `process ${process.pid} is fetching libtorch`,
      advice: expect.stringContaining('Wait'),
    })
    await lock.release()
  })

  test('a fetch that succeeds makes an earlier failure forgotten', async () => {
    await fetchWith('exit 1')
    expect(found(await look(), 'fetch')).toMatchObject({ state: 'wrong' })
    await fetchWith('cp "$PIP_FIND_LINKS"/*.whl "$folder"')
    expect(states(await look())).toMatchObject({ libtorch: 'ok', load: 'ok' })
  })

  test('libtorch does not load, or takes its process along', async () => {
    cached('cpu', libtorchFiles())
    const broken: Probe = { code: 'LIBTORCH_MISSING', message: 'no libcudart', advice: 'Run: npx shinsaku setup' }
    expect(found(await look(broken), 'load')).toEqual({
      name: 'load',
      state: 'wrong',
      text: 'LIBTORCH_MISSING: no libcudart',
      advice: 'Run: npx shinsaku setup',
    })
    const crashed: Probe = {
      code: null,
      message: 'the process that loaded it ended by SIGSEGV',
      advice: 'Fetch it anew.',
    }
    expect(found(await look(crashed), 'load')?.text).toBe('the process that loaded it ended by SIGSEGV')
  })

  test('another system, an old Node: nothing is loaded there', async () => {
    cached('cpu', libtorchFiles())
    const old = { platform: 'linux', arch: 'x64', versions: { ...process.versions, node: '18.20.1' } } as const
    const diagnosis = await diagnose({ process: old, probe: () => expect.unreachable('it was loaded') })
    expect(found(diagnosis, 'node')).toMatchObject({ state: 'wrong', text: expect.stringContaining('18.20.1') })
    expect(found(diagnosis, 'node')?.advice).toContain('nodejs.org')
  })
})

test.each([
  ['20.19.0', true],
  ['20.18.9', false],
  ['21.9.0', false],
  ['22.11.0', false],
  ['22.12.0', true],
  ['26.0.0', true],
])('Node %s: %s', (version, fits) => {
  expect(isInRange(version, '^20.19 || >=22.12')).toBe(fits)
})

describe('shinsaku doctor', () => {
  test('one line for each check, one of advice for each that is wrong, exit code 1', async () => {
    const { code, stdout, stderr } = await shinsaku('doctor')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toMatch(/^shinsaku \d/)
    expect(stdout).toMatch(/^wrong {4}libtorch {5}LIBTORCH_MISSING/m)
    expect(stdout.match(/->/g)).toHaveLength((stdout.match(/^wrong/gm)?.length ?? 0) + 1)
    expect(stdout).toContain('Not ready to train')
  })

  test('--json: one object; nothing private in it', async () => {
    vi.stubEnv('LIBTORCH', join(homedir(), 'secret-folder', hostname(), 'libtorch'))
    vi.stubEnv('PIP_INDEX_URL', 'https://somebody:hunter2@index.example/simple')
    const { code, stdout } = await shinsaku('doctor', '--json')
    expect(code).toBe(1)
    const diagnosis = JSON.parse(stdout)
    expect(diagnosis).toMatchObject({ ok: false, shinsaku: expect.any(String) })
    expect(found(diagnosis, 'environment')?.text).toContain('PIP_INDEX_URL is set')
    expect(found(diagnosis, 'libtorch')?.text).toContain('~/secret-folder/<host>/libtorch does not exist')
    for (const secret of ['hunter2', 'somebody', 'index.example', `${homedir()}/`, hostname()])
      expect(stdout).not.toContain(secret)
  })
})
