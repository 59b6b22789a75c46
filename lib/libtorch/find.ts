/** Finds libtorch on this machine, without starting anything it does not have to. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { userCacheFolder } from '../system/cache.ts'
import { minorOf, usableMinors } from './builds.ts'
import { elfArchitecture } from './elf.ts'
import { torchVersion } from './wheels.ts'

/** An unpacked libtorch. */
export type Libtorch = {
  root: string
  lib: string
  include: string
  /** "2.13.0", without a local part. */
  version: string
  flavour: 'cpu' | 'cuda'
}

/** `named`: the user asked for this place, so no other one will do. */
type Place = { name: string; root: string | undefined; why: string; named?: boolean; lib?: string; include?: string }

/** A version of torch and a processor, by Node's name for it. */
type Build = { version?: string; arch?: string }

/** Where fetched libtorch of one flavour lies. */
export function fetchedRoot(flavour: Libtorch['flavour'], { version = torchVersion, arch = process.arch }: Build = {}) {
  const folder = [version, flavour, ...(arch === 'x64' ? [] : [arch])].join('-')
  return join(userCacheFolder(), 'libtorch', folder, 'torch')
}

/** The Python to ask: `SHINSAKU_PYTHON`, else python3. */
export const pythonProgram = (): string => process.env.SHINSAKU_PYTHON || 'python3'

function pythonTorch(): Place {
  const name = 'LIBTORCH_USE_PYTORCH'
  if (process.env.LIBTORCH_USE_PYTORCH !== '1') return { name, root: undefined, why: 'not set to 1' }
  const code = 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])'
  try {
    const root = execFileSync(pythonProgram(), ['-c', code], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return { name, root, why: 'the torch package of Python', named: true }
  } catch {
    return { name, root: undefined, why: `${pythonProgram()} has no package torch`, named: true }
  }
}

function* places(arch: string): Generator<Place> {
  const { LIBTORCH, LIBTORCH_LIB, LIBTORCH_INCLUDE } = process.env
  const parts = { ...(LIBTORCH_LIB && { lib: LIBTORCH_LIB }), ...(LIBTORCH_INCLUDE && { include: LIBTORCH_INCLUDE }) }
  yield {
    name: 'LIBTORCH',
    root: LIBTORCH || undefined,
    why: LIBTORCH ? 'the environment variable' : 'not set',
    named: Boolean(LIBTORCH),
    ...parts,
  }
  yield pythonTorch()
  // Both flavours run on a CPU; the one for GPUs is there only where somebody asked for it.
  yield { name: 'cache', root: fetchedRoot('cuda', { arch }), why: 'fetched by shinsaku setup --cuda' }
  yield { name: 'cache', root: fetchedRoot('cpu', { arch }), why: 'fetched by shinsaku setup' }
}

function readVersion(root: string): string | undefined {
  try {
    if (existsSync(join(root, 'build-version')))
      return readFileSync(join(root, 'build-version'), 'utf8').trim().split('+')[0]
    return readFileSync(join(root, 'version.py'), 'utf8').match(/__version__\s*=\s*['"]([^'"+]+)/)?.[1]
  } catch {
    return undefined
  }
}

/** libgomp's file, whose name some wheels carry a hash in. */
export const findOpenMp = (lib: string): string | undefined =>
  readdirSync(lib).find((file) => /^libgomp.*\.so/.test(file))

function inspect(place: Place, arch: string): Libtorch | string {
  const { root, lib = join(root!, 'lib'), include = join(root!, 'include') } = place
  if (!existsSync(root!)) return `${root} does not exist`
  const missing = ['libc10.so', 'libtorch_cpu.so'].filter((file) => !existsSync(join(lib, file)))
  if (missing.length > 0) return `${lib} holds no ${missing.join(' and no ')}`
  const builtFor = elfArchitecture(join(lib, 'libc10.so'))
  if (builtFor !== undefined && builtFor !== arch) return `${lib} is for ${builtFor}, not for ${arch}`
  const version = readVersion(root!)
  if (!version) return `${root} holds neither build-version nor version.py`
  const flavour = existsSync(join(lib, 'libtorch_cuda.so')) ? 'cuda' : 'cpu'
  return { root: root!, lib, include, version, flavour }
}

/** "2.11, 2.12 and 2.13" */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

function requireVersion(found: Libtorch, accepted: readonly string[]): Libtorch {
  if (process.env.LIBTORCH_BYPASS_VERSION_CHECK === '1' || accepted.includes(minorOf(found.version))) return found
  throw new ShinsakuError(
    'LIBTORCH_VERSION',
    `libtorch ${found.version} was found in ${found.root}, but this package is built for ${listed(accepted)}`,
    {
      hint: 'Unset LIBTORCH and LIBTORCH_USE_PYTORCH and run npx shinsaku setup, or set LIBTORCH_BYPASS_VERSION_CHECK=1 to try this one.',
      details: { found: found.version, accepted, root: found.root },
    },
  )
}

/**
 * The first usable libtorch of: LIBTORCH, the Python at hand (LIBTORCH_USE_PYTORCH=1), the user's cache.
 * A place that was named outright and is not usable is an error, not a reason to look further.
 * `accepted` are the minor versions that will do: those that the package holds an addon for.
 * `arch` is the processor that it must be built for. Throws LIBTORCH_MISSING with everything it looked at (`details.named`: the variable at fault), or LIBTORCH_VERSION.
 */
export function findLibtorch(accepted: readonly string[] = usableMinors(), arch: string = process.arch): Libtorch {
  const looked: string[] = []
  let named: string | undefined
  for (const place of places(arch)) {
    const found = place.root ? inspect(place, arch) : place.why
    if (typeof found !== 'string') return requireVersion(found, accepted)
    looked.push(`${place.name}: ${found}`)
    if (!place.named) continue
    named = place.name
    break
  }
  throw new ShinsakuError(
    'LIBTORCH_MISSING',
    `No usable libtorch ${listed(accepted)} was found. Looked at:\n  ${looked.join('\n  ')}`,
    {
      hint: named ? `Correct ${named}, or unset it and run: npx shinsaku setup` : 'Run: npx shinsaku setup',
      details: { looked, ...(named && { named }) },
    },
  )
}
