import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Lock, takeLock } from '../../../lib/files/lock.ts'
import { type FetchOptions, fetchLibtorch } from '../../../lib/libtorch/fetch.ts'
import { fetchedRoot, findLibtorch } from '../../../lib/libtorch/find.ts'
import { torchVersion, type WheelSet } from '../../../lib/libtorch/wheels.ts'
import { until } from '../../helpers/until.ts'
import { emptyMachine, fakeDownload, makeWheel, torchFiles } from '../../helpers/wheels.ts'

// The machine that tests run on may have less room than a libtorch needs.
const { statfs } = vi.hoisted(() => ({ statfs: vi.fn() }))
vi.mock('node:fs/promises', async (original) => ({ ...(await original<object>()), statfs }))

let machine: ReturnType<typeof emptyMachine>
let wheels: WheelSet
beforeEach(() => {
  statfs.mockResolvedValue({ bavail: 1e9, bsize: 16384 })
  machine = emptyMachine()
  mkdirSync(machine.libtorch, { recursive: true })
  const torch = makeWheel(machine.wheels, 'torch', `${torchVersion}+cpu`, torchFiles)
  wheels = { torch: { cpu: torch, cuda: torch }, runtime: [], cuda: [] }
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const inCache = () => readdirSync(machine.libtorch).sort()
const whole = [`${torchVersion}-cpu`]
const fetchCpu = (more: FetchOptions = {}) => fetchLibtorch({ flavour: 'cpu', wheels, ...more })

/** A pip that notes each download and takes a while over it. */
const slowDownload = () =>
  fakeDownload('echo download >> "$SHINSAKU_CACHE/log"; sleep 0.5; cp "$PIP_FIND_LINKS"/*.whl "$folder"')
const downloads = () => readFileSync(join(machine.cache, 'log'), 'utf8').trim().split('\n').length

/** A pip that has begun to write, says so, and takes a moment to end when told to. */
const endlessDownload = () =>
  fakeDownload(`
    trap 'kill $!; sleep 0.3; echo > "$SHINSAKU_CACHE/ended"; exit 1' TERM
    echo half > "$folder/torch.whl"
    [ "$TMPDIR" = "$(dirname "$folder")" ] && echo begun
    sleep 60 & wait`)

describe('several at once', () => {
  test('one fetches, the others wait for it, and all succeed', async () => {
    slowDownload()
    const lines: string[] = []
    const roots = await Promise.all([1, 2, 3].map(() => fetchCpu({ onLine: (line) => lines.push(line) })))
    expect(roots).toEqual(Array(3).fill(fetchedRoot('cpu')))
    expect(downloads()).toBe(1)
    expect(lines.filter((line) => line.startsWith('waiting for process'))).toHaveLength(2)
    expect(inCache()).toEqual(whole)
  })

  test('both flavours at once keep out of each other’s way', async () => {
    slowDownload()
    const [cpu, cuda] = await Promise.all([fetchCpu(), fetchCpu({ flavour: 'cuda' })])
    expect(downloads()).toBe(2)
    expect(readdirSync(join(cpu, 'lib'))).not.toContain('libtorch_cuda.so')
    expect(readdirSync(join(cuda, 'lib'))).toContain('libtorch_cuda.so')
  })

  test('one that fails lets the next one try', async () => {
    fakeDownload(
      '[ -e "$SHINSAKU_CACHE/log" ] || { echo > "$SHINSAKU_CACHE/log"; sleep 0.3; exit 1; }; cp "$PIP_FIND_LINKS"/*.whl "$folder"',
    )
    const ends = await Promise.allSettled([fetchCpu(), fetchCpu()])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(inCache()).toEqual(whole)
  })

  test('a living process is named and waited for', async () => {
    slowDownload()
    const lock = (await takeLock(machine.libtorch, 'lock-cpu')) as Lock
    const lines: string[] = []
    const fetched = fetchCpu({ onLine: (line) => lines.push(line) })
    const waiting = `waiting for process ${process.pid}, which is fetching libtorch`
    await until(() => lines.length > 0)
    expect(lines).toEqual([waiting])
    expect(inCache()).toEqual([expect.stringMatching(/^\.lock-cpu-/)])
    await lock.release()
    await fetched
    expect(inCache()).toEqual(whole)
  })

  test('one that waits can be aborted', async () => {
    const lock = (await takeLock(machine.libtorch, 'lock-cpu')) as Lock
    const stop = new AbortController()
    const reason = new Error('enough')
    const fetched = fetchCpu({ signal: stop.signal, onLine: () => stop.abort(reason) })
    await expect(fetched).rejects.toMatchObject({ code: 'ABORT_ERR', name: 'AbortError', cause: reason })
    await lock.release()
    expect(inCache()).toEqual([])
  })
})

test('progress: how much of which wheel has come', async () => {
  const untilSeen = (name: string) => `until [ -e "$SHINSAKU_CACHE/${name}" ]; do sleep 0.05; done`
  const { bytes } = wheels.torch.cpu.files[0]!
  fakeDownload(
    `head -c 100 "$PIP_FIND_LINKS"/*.whl > "$TMPDIR/part.tmp"; mv "$TMPDIR/part.tmp" "$folder/torch-1+cpu.whl"
    ${untilSeen('part')}
    cp "$PIP_FIND_LINKS"/*.whl "$TMPDIR/all.tmp"; mv "$TMPDIR/all.tmp" "$folder/torch-1+cpu.whl"
    ${untilSeen('all')}`,
  )
  const seen: number[] = []
  await fetchCpu({
    onProgress: ({ name, bytes: done, totalBytes }) => {
      expect({ name, totalBytes }).toEqual({ name: 'torch', totalBytes: bytes })
      seen.push(done)
      writeFileSync(join(machine.cache, done === 100 ? 'part' : 'all'), '')
    },
  })
  expect(seen[0]).toBe(100)
  expect(seen.at(-1)).toBe(bytes)
})

describe('cut in the middle', () => {
  test('an abort ends pip, leaves nothing, and a later fetch succeeds', async () => {
    endlessDownload()
    const lines: string[] = []
    const stop = new AbortController()
    const reason = new Error('enough')
    const fetched = fetchCpu({ signal: stop.signal, onLine: (line) => lines.push(line) })
    await until(() => lines.at(-1) === 'begun')
    expect(inCache()).toEqual([expect.stringMatching(/^\.fetch-cpu-/), expect.stringMatching(/^\.lock-cpu-/)])
    stop.abort(reason)
    await expect(fetched).rejects.toMatchObject({ code: 'ABORT_ERR', name: 'AbortError', cause: reason })
    expect(readdirSync(machine.cache)).toContain('ended')
    expect(inCache()).toEqual([])
    expect(() => findLibtorch()).toThrow(/No usable libtorch/)

    vi.stubEnv('SHINSAKU_PYTHON', undefined)
    await fetchCpu()
    expect(inCache()).toEqual(whole)
  })

  test('wheels that came whole before the cut are not fetched again, unless they have changed since', async () => {
    const [a, b] = ['nvidia-a', 'nvidia-b'].map((name) =>
      makeWheel(machine.wheels, name, '1', { [`nvidia/${name}/lib/${name}.so`]: name }),
    )
    wheels = { ...wheels, cuda: [a!, b!] }
    const fetchCuda = () => fetchCpu({ flavour: 'cuda' })
    const give =
      'echo "$wheel" >> "$SHINSAKU_CACHE/log"; cp "$PIP_FIND_LINKS"/$(echo "$wheel" | tr - _)-*.whl "$folder"'
    fakeDownload(`[ "$wheel" = nvidia-b ] && { echo cut; exit 1; }; ${give}`)
    await expect(fetchCuda()).rejects.toMatchObject({
      code: 'LIBTORCH_FETCH_FAILED',
      message: expect.stringContaining('nvidia-b 1'),
    })
    const kept = join(machine.libtorch, '.wheels-cuda')
    expect(readdirSync(kept).sort()).toEqual(['nvidia-a-1', `torch-${torchVersion}`])

    const [file] = readdirSync(join(kept, 'nvidia-a-1'))
    writeFileSync(join(kept, 'nvidia-a-1', file!), 'changed')
    fakeDownload(give)
    const root = await fetchCuda()
    expect(readFileSync(join(machine.cache, 'log'), 'utf8').split('\n')).toEqual([
      'torch',
      'nvidia-a',
      'nvidia-a',
      'nvidia-b',
      '',
    ])
    expect(inCache()).toEqual([`${torchVersion}-cuda`])
    for (const name of ['nvidia-a', 'nvidia-b'])
      expect(readFileSync(join(root, '..', 'nvidia', name, 'lib', `${name}.so`), 'utf8')).toBe(name)
  })

  test('a signal that has fired already', async () => {
    slowDownload()
    await expect(fetchCpu({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORT_ERR' })
    expect(inCache()).toEqual([])
  })

  test('what a killed process has left is taken over', async () => {
    // The lock names a process that lives, but not with this start time: its number was used again.
    writeFileSync(join(machine.libtorch, `.lock-cpu-${process.ppid}-1-00000000`), '')
    const left = join(machine.libtorch, '.fetch-cpu-killed', 'unpacked', 'torch', 'lib')
    mkdirSync(left, { recursive: true })
    writeFileSync(join(left, 'libc10.so'), 'half')
    mkdirSync(join(machine.libtorch, whole[0]!, 'nvidia'), { recursive: true })
    expect(() => findLibtorch()).toThrow(/No usable libtorch/)

    slowDownload()
    const root = await fetchCpu()
    expect(inCache()).toEqual(whole)
    expect(findLibtorch().root).toBe(root)
    expect(readFileSync(join(root, 'lib', 'libc10.so'), 'utf8')).toBe('c10')
  })
})
