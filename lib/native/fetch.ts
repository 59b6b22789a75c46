/** Fetches libtorch with the user's own pip into the user's cache: pinned, hash-checked, locked, atomic. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { abortError, fileError, ShinsakuError } from '../errors.ts'
import { takeLock } from '../files/lock.ts'
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
  env = process.env,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, ...(signal && { signal }) })
    const lines: string[] = []
    const take = (line: string) => {
      if (line.trim() === '') return
      lines.push(line)
      if (lines.length > 20) lines.shift()
      onLine?.(line)
    }
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', take)
    const fail = (cause: unknown) => reject(signal?.aborted ? abortError(signal, 'Fetching libtorch') : cause)
    // A program that runs is waited for even when aborted: it writes where its caller cleans up.
    child.on('error', (cause) => {
      if (child.pid === undefined) fail(cause)
    })
    child.on('exit', () => {
      if (signal?.aborted) fail(signal.reason)
    })
    child.on('close', (code) => resolve({ code, tail: lines.join('\n') }))
  })
}

async function requirePip({ signal }: FetchOptions): Promise<string> {
  const python = pythonProgram()
  const pip = await run(python, ['-m', 'pip', '--version'], signal ? { signal } : {}).catch((error) => {
    if (error instanceof ShinsakuError) throw error
  })
  if (pip?.code === 0) return python
  const what = pip ? `${python} has no module pip` : `${python} was not found`
  throw new ShinsakuError('TOOL_MISSING', `libtorch is fetched with pip, but ${what}`, {
    hint: 'Debian and Ubuntu: sudo apt-get install python3-pip. Fedora: sudo dnf install python3-pip. Or set SHINSAKU_PYTHON.',
  })
}

/** The error of a program that failed, whose words are in the message. */
function fetchFailed(message: string, code: number | null): ShinsakuError {
  if (message.includes('No space left on device')) return diskFull(message)
  return new ShinsakuError('LIBTORCH_FETCH_FAILED', message, {
    hint: 'Check the network and the pip configuration, or set LIBTORCH to an unpacked libtorch.',
    details: { code },
  })
}

const diskFull = (message: string): ShinsakuError =>
  new ShinsakuError('DISK_FULL', message, {
    hint: 'Free some space, or set SHINSAKU_CACHE to a folder on another disk.',
  })

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
  // pip's own temporary files go to the disk whose space was looked at, and away with the folder.
  const { code, tail } = await run(python, args, options, { ...process.env, TMPDIR: folder })
  if (code !== 0) {
    const names = wheels.map((w) => `${w.name} ${w.version}`).join(', ')
    throw fetchFailed(`pip could not fetch ${names}:\n${tail}`, code)
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
  const [needed, free] = [neededBytes[flavour], bavail * bsize].map((bytes) => (bytes / 1e9).toFixed(1))
  throw diskFull(`Fetching libtorch needs ${needed} GB in ${folder}, but ${free} GB are free`)
}

/** Runs `work` while no other process fetches this flavour into `folder`; waits for one that does. */
async function alone<T>(folder: string, flavour: string, options: FetchOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onLine } = options
  for (let told = false; ; told = true) {
    const lock = await takeLock(folder, `lock-${flavour}`)
    if (typeof lock !== 'number') return work().finally(() => lock.release())
    if (!told) onLine?.(`waiting for process ${lock}, which is fetching libtorch`)
    // Two that wait must not withdraw in step with each other for ever.
    await delay(100 + 200 * Math.random(), undefined, signal && { signal }).catch(() => {
      throw abortError(signal!, 'Fetching libtorch')
    })
  }
}

/** An empty folder for one fetch. What fetches that were killed have left is removed. */
async function makeScratch(parent: string, flavour: string): Promise<string> {
  const prefix = `.fetch-${flavour}-`
  for (const name of await readdir(parent)) if (name.startsWith(prefix)) await removeTree(join(parent, name))
  return mkdtemp(join(parent, prefix))
}

// The pip of a process that was killed may still be writing.
const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 })

async function fetchInto(target: string, flavour: Libtorch['flavour'], options: FetchOptions): Promise<void> {
  const { torch, runtime, cuda } = options.wheels ?? pinned
  const parent = dirname(target)
  const python = await requirePip(options)
  await requireSpace(parent, flavour)
  const scratch = await makeScratch(parent, flavour)
  try {
    const { wheel, files: wheels } = await downloadFirst(python, torch[flavour], join(scratch, 'torch-wheel'), options)
    const more = flavour === 'cuda' ? cuda : wheel.version.endsWith('+cpu') ? [] : runtime
    if (more.length > 0) wheels.push(...(await download(python, more, join(scratch, 'more-wheels'), options)))
    options.onLine?.(`unpacking ${wheels.length} ${wheels.length === 1 ? 'wheel' : 'wheels'}`)
    const unpacked = join(scratch, 'unpacked')
    const { code, tail } = await run(python, ['-c', unpackScript, unpacked, keep[flavour].source, ...wheels], options)
    if (code !== 0) throw fetchFailed(`The wheels could not be unpacked into ${unpacked}:\n${tail}`, code)
    await removeTree(target)
    await rename(unpacked, target)
  } finally {
    await removeTree(scratch)
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
  await alone(parent, flavour, options, async () => {
    if (!existsSync(root)) await fetchInto(target, flavour, options)
  }).catch((cause) => {
    throw fileError('write', parent, cause)
  })
  return root
}
