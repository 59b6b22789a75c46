/** Fetches libtorch with the user's own pip into the user's cache: pinned, hash-checked, locked, atomic. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { abortError, fileError, ShinsakuError } from '../errors.ts'
import { fetchedRoot, type Libtorch, pythonProgram } from './find.ts'
import { cudaWheels, runtimeWheels, torchWheels, type Wheel } from './wheels.ts'

export type FetchOptions = {
  /** "auto" is "cuda" where an NVIDIA driver is loaded. */
  flavour?: 'auto' | Libtorch['flavour']
  /** Receives what pip says, line by line. */
  onLine?: (line: string) => void
  signal?: AbortSignal
  /** The wheels to take; for tests. */
  wheels?: WheelSet
}

export type WheelSet = {
  torch: Record<Libtorch['flavour'], readonly Wheel[]>
  runtime: readonly Wheel[]
  cuda: readonly Wheel[]
}

const pinned: WheelSet = { torch: torchWheels, runtime: runtimeWheels, cuda: cudaWheels }

// One wheel for every Python: nothing of it is run, so the interpreter's own version does not matter. pip takes
// the tags literally, so every glibc up to the one that torch needs is listed.
const glibcMinors = Array.from({ length: 24 }, (_, i) => 28 - i)
const platforms = [...glibcMinors.map((minor) => `manylinux_2_${minor}_x86_64`), 'manylinux2014_x86_64']
const platform = [
  '--python-version',
  '3.11',
  '--implementation',
  'cp',
  '--abi',
  'cp311',
  ...platforms.flatMap((tag) => ['--platform', tag]),
]

const neededBytes = { cpu: 3e9, cuda: 12e9 } as const

// What is kept of each wheel; the rest is Python code, tests and, without a GPU, GPU kernels.
const keep = {
  cpu: /^(torch\/(lib\/(?!libtorch_cuda|libcaffe2_nvrtc|libtorch_nvshmem)[^/]*\.so[^/]*|include\/.*|version\.py)|nvidia\/.*\/lib\/[^/]*\.so[^/]*|[^/]+\.dist-info\/.*LICENSE.*)$/,
  cuda: /^(torch\/(lib\/[^/]*\.so[^/]*|include\/.*|version\.py)|nvidia\/.*\/lib\/[^/]*\.so[^/]*|[^/]+\.dist-info\/.*LICENSE.*)$/,
} as const

const unpackScript = `
import os, re, sys, zipfile
target, keep, wheels = sys.argv[1], re.compile(sys.argv[2]), sys.argv[3:]
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = member.filename
            if member.is_dir() or not keep.match(name):
                continue
            if name.startswith('/') or '..' in name.split('/'):
                sys.exit('unsafe path in ' + os.path.basename(wheel) + ': ' + name)
            archive.extract(member, target)
`

type Ended = { code: number | null; tail: string }

function run(
  program: string,
  args: string[],
  { onLine, signal }: Pick<FetchOptions, 'onLine' | 'signal'>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) })
    const lines: string[] = []
    const take = (chunk: Buffer) => {
      for (const line of chunk.toString().split(/[\r\n]+/)) {
        if (line.trim() === '') continue
        lines.push(line)
        if (lines.length > 20) lines.shift()
        onLine?.(line)
      }
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (cause) => reject(signal?.aborted ? abortError(signal, 'Fetching libtorch') : cause))
    child.on('close', (code) => resolve({ code, tail: lines.join('\n') }))
  })
}

async function requirePip(): Promise<string> {
  const python = pythonProgram()
  const pip = await run(python, ['-m', 'pip', '--version'], {}).catch(() => undefined)
  if (pip?.code === 0) return python
  const what = pip ? `${python} has no module pip` : `${python} was not found`
  throw new ShinsakuError('TOOL_MISSING', `libtorch is fetched with pip, but ${what}`, {
    hint: 'Debian and Ubuntu: sudo apt-get install python3-pip. Fedora: sudo dnf install python3-pip. Or set SHINSAKU_PYTHON.',
  })
}

async function download(
  python: string,
  wheels: readonly Wheel[],
  folder: string,
  options: FetchOptions,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const requirements = join(folder, 'requirements.txt')
  const lines = wheels.map(
    ({ name, version, sha256 }) => `${name}==${version} ${sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}`,
  )
  await writeFile(requirements, `${lines.join('\n')}\n`)
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    ...platform,
    '--require-hashes',
    '-d',
    folder,
    '-r',
    requirements,
  ]
  const { code, tail } = await run(python, args, options)
  if (code !== 0) {
    throw new ShinsakuError(
      'LIBTORCH_FETCH_FAILED',
      `pip could not fetch ${wheels.map((w) => `${w.name} ${w.version}`).join(', ')}:\n${tail}`,
      {
        hint: 'Check the network and the pip configuration, or set LIBTORCH to an unpacked libtorch.',
        details: { code },
      },
    )
  }
  return (await readdir(folder)).filter((file) => file.endsWith('.whl')).map((file) => join(folder, file))
}

/** The first of several wheels that pip can get; the error is that of the last. */
async function downloadFirst(
  python: string,
  wheels: readonly Wheel[],
  folder: string,
  options: FetchOptions,
): Promise<{ wheel: Wheel; files: string[] }> {
  for (const wheel of wheels.slice(0, -1)) {
    try {
      return { wheel, files: await download(python, [wheel], folder, options) }
    } catch (error) {
      if (!(error instanceof ShinsakuError) || error.code !== 'LIBTORCH_FETCH_FAILED') throw error
      options.onLine?.(`torch ${wheel.version} is not to be had; trying the next build`)
    }
  }
  const wheel = wheels.at(-1)!
  return { wheel, files: await download(python, [wheel], folder, options) }
}

async function requireSpace(folder: string, flavour: Libtorch['flavour']): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= neededBytes[flavour]) return
  throw new ShinsakuError(
    'DISK_FULL',
    `Fetching libtorch needs ${neededBytes[flavour] / 1e9} GB in ${folder}, but ${(Number(bavail * bsize) / 1e9).toFixed(1)} GB are free`,
    {
      hint: 'Free some space, or set SHINSAKU_CACHE to a folder on another disk.',
    },
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Holds `path` as a lock while `work` runs. A lock whose process is gone is taken over. */
async function locked<T>(path: string, options: FetchOptions, work: () => Promise<T>): Promise<T> {
  for (let told = false; ; ) {
    try {
      const file = await open(path, 'wx')
      await file.writeFile(String(process.pid)).finally(() => file.close())
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError('create', path, error)
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await rm(path, { force: true })
    else {
      if (!told) options.onLine?.(`waiting for process ${owner}, which is fetching libtorch`)
      told = true
      await delay(200, undefined, options.signal && { signal: options.signal }).catch(() => {
        throw abortError(options.signal!, 'Fetching libtorch')
      })
    }
  }
  return work().finally(() => rm(path, { force: true }))
}

/** Removes what fetches that were killed have left. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(name.match(/^\.fetch-(\d+)$/)?.[1] ?? 0)
    if (pid > 0 && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function fetchInto(target: string, flavour: Libtorch['flavour'], options: FetchOptions): Promise<void> {
  const { torch, runtime, cuda } = options.wheels ?? pinned
  const parent = dirname(target)
  const scratch = join(parent, `.fetch-${process.pid}`)
  const python = await requirePip()
  await sweep(parent)
  await requireSpace(parent, flavour)
  try {
    const { wheel, files: wheels } = await downloadFirst(python, torch[flavour], join(scratch, 'torch-wheel'), options)
    const more = flavour === 'cuda' ? cuda : wheel.version.endsWith('+cpu') ? [] : runtime
    if (more.length > 0) wheels.push(...(await download(python, more, join(scratch, 'more-wheels'), options)))
    options.onLine?.(`unpacking ${wheels.length} ${wheels.length === 1 ? 'wheel' : 'wheels'}`)
    const unpacked = join(scratch, 'unpacked')
    const { code, tail } = await run(python, ['-c', unpackScript, unpacked, keep[flavour].source, ...wheels], options)
    if (code !== 0)
      throw new ShinsakuError('LIBTORCH_FETCH_FAILED', `The wheels could not be unpacked into ${unpacked}:\n${tail}`)
    await rm(target, { recursive: true, force: true })
    await rename(unpacked, target)
  } catch (error) {
    throw fileError('write', scratch, error)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/**
 * Fetches libtorch unless it is in the cache already; resolves with the folder that holds lib and include.
 * Rejects with LIBTORCH_FETCH_FAILED, TOOL_MISSING, DISK_FULL, FILE_FAILED or ABORT_ERR.
 */
export async function fetchLibtorch(options: FetchOptions = {}): Promise<string> {
  const driver = existsSync('/proc/driver/nvidia/version')
  const flavour = options.flavour === 'cpu' || options.flavour === 'cuda' ? options.flavour : driver ? 'cuda' : 'cpu'
  const root = fetchedRoot(flavour)
  const target = dirname(root)
  if (existsSync(root)) return root
  if (process.env.SHINSAKU_OFFLINE === '1') {
    throw new ShinsakuError(
      'LIBTORCH_FETCH_FAILED',
      `libtorch is not in ${target}, and SHINSAKU_OFFLINE=1 forbids fetching it`,
      {
        hint: 'Unset SHINSAKU_OFFLINE, or set LIBTORCH to an unpacked libtorch.',
      },
    )
  }
  const parent = dirname(target)
  await mkdir(parent, { recursive: true }).catch((cause) => {
    throw fileError('create', parent, cause)
  })
  await locked(join(parent, `.lock-${flavour}`), options, async () => {
    if (!existsSync(root)) await fetchInto(target, flavour, options)
  })
  return root
}
