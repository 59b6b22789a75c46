/** The user's own pip: one pinned wheel at a time, hash-checked, with what went wrong told apart. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { abortError, ShinsakuError } from '../errors.ts'
import { measure } from '../files/read.ts'
import type { Architecture } from '../system/platform.ts'
import { pythonProgram } from './find.ts'
import type { Wheel, WheelFile } from './wheels.ts'

/** How far the download of one wheel is. */
export type Progress = { name: string; bytes: number; totalBytes: number }

export type Listeners = {
  /** Receives what is being done and what pip has to say, line by line. */
  onLine?: (line: string) => void
  onProgress?: (progress: Progress) => void
  signal?: AbortSignal
}

// One wheel for every Python: nothing of it is run, so the interpreter's own version does not matter. pip takes
// the tags literally, so every glibc up to the one that torch needs is listed.
const glibcMinors = Array.from({ length: 24 }, (_, i) => 28 - i)
const machines: Readonly<Record<Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' }
const platformTags = (arch: Architecture): readonly string[] => {
  const platforms = [...glibcMinors.map((minor) => `manylinux_2_${minor}`), 'manylinux2014']
  return [
    ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'],
    ...platforms.flatMap((tag) => ['--platform', `${tag}_${machines[arch]}`]),
  ]
}

type Ended = { code: number | null; tail: string }

/** Runs a program to its end, also when aborted: it writes where its caller cleans up. */
export function run(
  program: string,
  args: readonly string[],
  { onLine, signal }: Pick<Listeners, 'onLine' | 'signal'>,
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
    const aborted = () => reject(abortError(signal!, 'Fetching libtorch'))
    child.on('error', (cause) => {
      if (child.pid === undefined) signal?.aborted ? aborted() : reject(cause)
    })
    child.on('exit', () => {
      if (signal?.aborted) aborted()
    })
    child.on('close', (code) => resolve({ code, tail: lines.join('\n') }))
  })
}

/** The Python whose pip is used. Rejects with TOOL_MISSING. */
export async function requirePip({ signal }: Listeners): Promise<string> {
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

/** Why a fetch failed, by the words of pip or Python → what to do. The first that fits counts. */
const reasons = {
  hash: [
    /DO NOT MATCH THE HASHES/i,
    'What came is not the pinned file: a mirror that changes wheels, or a download that broke. Try again, or name another index in PIP_INDEX_URL.',
  ],
  network: [
    /Max retries|connection broken|ConnectTimeout|Read timed out|NameResolution|name resolution|Network is unreachable|ProxyError|SSLError|CERTIFICATE_VERIFY/i,
    'pip did not reach its index. Check the network, or set HTTPS_PROXY, PIP_CERT or PIP_INDEX_URL as your network needs.',
  ],
  absent: [
    /No matching distribution|Could not find a version/i,
    'The index that pip uses does not offer this file. Name another one in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, or a folder of wheels in PIP_FIND_LINKS.',
  ],
  other: [/(?:)/, 'Check the network and the pip configuration, or set LIBTORCH to an unpacked libtorch.'],
} as const satisfies Record<string, readonly [RegExp, string]>

/** The error of a program that failed, whose words are in the message. */
export function fetchFailed(message: string, code: number | null): ShinsakuError {
  if (message.includes('No space left on device')) return diskFull(message)
  const [reason, [, hint]] = Object.entries(reasons).find(([, [words]]) => words.test(message))!
  return new ShinsakuError('LIBTORCH_FETCH_FAILED', message, { hint, details: { code, reason } })
}

export const diskFull = (message: string): ShinsakuError =>
  new ShinsakuError('DISK_FULL', message, {
    hint: 'Free some space, or set SHINSAKU_CACHE to a folder on another disk.',
  })

/** pip's line for a wheel. Without `===`, "2.13.0" also means "2.13.0+cpu". */
const requirement = ({ name, version, files, exact }: Wheel): string =>
  `${name}${exact ? '===' : '=='}${version} ${files.map(({ sha256 }) => `--hash=sha256:${sha256}`).join(' ')}\n`

/** Which of a wheel's files has this name. */
const fileNamed = ({ files }: Wheel, name: string): WheelFile | undefined =>
  files.find(({ local }) => local !== undefined && /\+|%2B/i.test(name)) ??
  files.find(({ local }) => local === undefined) ??
  files[0]

/** Tells how much of a wheel lies in `folder`, again and again; returns what ends that. */
function watch(folder: string, wheel: Wheel, onProgress: NonNullable<Listeners['onProgress']>): () => void {
  const look = async () => {
    const names = await readdir(folder, { recursive: true })
    const name = names.find((path) => path.endsWith('.whl'))
    if (name === undefined) return
    const { size } = await stat(join(folder, name))
    onProgress({ name: wheel.name, bytes: size, totalBytes: fileNamed(wheel, name)?.bytes ?? size })
  }
  // pip moves its files about while they are looked at.
  const timer = setInterval(() => look().catch(() => {}), 500)
  return () => clearInterval(timer)
}

/** A wheel that an earlier fetch has left whole in `folder`. */
async function had(folder: string, { files }: Wheel): Promise<string | undefined> {
  const [name] = await readdir(folder).catch(() => [])
  if (name === undefined) return undefined
  const { sha256 } = await measure(join(folder, name))
  return files.some((file) => file.sha256 === sha256) ? join(folder, name) : undefined
}

/**
 * The wheel's file in `kept`, which outlives a fetch that fails; what pip is at meanwhile lies in `scratch`.
 * Rejects with LIBTORCH_FETCH_FAILED or DISK_FULL.
 */
export async function downloadWheel(
  python: string,
  wheel: Wheel,
  { kept, scratch, arch }: { kept: string; scratch: string; arch: Architecture },
  listeners: Listeners,
): Promise<string> {
  const folder = join(kept, `${wheel.name}-${wheel.version}`)
  const left = await had(folder, wheel)
  if (left !== undefined) {
    listeners.onLine?.(`${wheel.name} ${wheel.version} was fetched before`)
    return left
  }
  listeners.onLine?.(`fetching ${wheel.name} ${wheel.version}`)
  const [download, requirements] = [join(scratch, 'download'), join(scratch, 'requirements.txt')]
  await mkdir(download, { recursive: true })
  await writeFile(requirements, requirement(wheel))
  const args = [
    ...['-m', 'pip', 'download', '--quiet', '--no-input', '--no-cache-dir', '--progress-bar', 'off', '--no-deps'],
    ...['--only-binary=:all:', ...platformTags(arch), '--require-hashes', '-d', download, '-r', requirements],
  ]
  const stop = listeners.onProgress ? watch(scratch, wheel, listeners.onProgress) : () => {}
  // pip's own temporary files go to the disk whose space was looked at, and away with the folder.
  const { code, tail } = await run(python, args, listeners, { ...process.env, TMPDIR: scratch }).finally(stop)
  const name = code === 0 ? (await readdir(download)).find((file) => file.endsWith('.whl')) : undefined
  if (name === undefined) throw fetchFailed(`pip could not fetch ${wheel.name} ${wheel.version}:\n${tail}`, code)
  await mkdir(folder, { recursive: true })
  await rename(join(download, name), join(folder, name))
  return join(folder, name)
}
