/** Loads libtorch and the addon, once for each JavaScript environment, at first use. */
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readLaunch, visibleDevice } from '../distributed/environment.ts'
import { ShinsakuError } from '../errors.ts'
import { addonFor, type Builds, findBuilds, packageRoot, pluginFor } from '../libtorch/builds.ts'
import { fetchLibtorch } from '../libtorch/fetch.ts'
import { findLibtorch, findOpenMp, type Libtorch } from '../libtorch/find.ts'
import { hasCudaBuild } from '../libtorch/wheels.ts'
import { addonHint } from '../system/addons.ts'
import { requirePlatform } from '../system/platform.ts'
import { isInPackage } from '../system/version.ts'
import type { Addon } from './addon.ts'
import { wrapAddon } from './wrap.ts'

export type Loader = {
  /** Opens a shared library for the whole process. */
  open(path: string): void
  /** Where a library lies that the process has loaded already, or null. */
  opened(name: string): string | null
  /** Sets an environment variable of the process unless it is set. */
  setEnvironment(name: string, value: string): void
  /** Why no GPU can be used, or null. */
  cudaDriver(): string | null
  /** Name of the first GPU. */
  cudaName(): string
}

/** What was loaded, for records and error texts. */
export type Loaded = {
  addon: Addon
  /** The addon without the wrapper around its errors. */
  raw: Addon
  libtorch: Libtorch
  /** Why no GPU can be used, or null. */
  cudaProblem: string | null
  cudaName: string
  /** Why a GPU trains with the reference's operations only, or null. */
  pluginProblem: string | null
}

/** Throws ADDON_MISSING where a bundler has moved this code away from the native part. */
export function requireOwnFolder(isThere = isInPackage): void {
  if (isThere) return
  throw new ShinsakuError('ADDON_MISSING', 'A bundler has put shinsaku into a file without its native part', {
    hint: 'Leave shinsaku and sharp out of the bundle and install them beside it: "external" of esbuild, Rollup and Vite, "externals" of webpack, "serverExternalPackages" of Next.js.',
  })
}

function requireAddon<T>(folder: string, name: string): T {
  try {
    return (createRequire(import.meta.url)('node-gyp-build') as (folder: string) => T)(folder)
  } catch (cause) {
    throw new ShinsakuError(
      'ADDON_MISSING',
      `The native part "${name}" could not be loaded: ${(cause as Error).message.split('\n')[0]}`,
      {
        cause,
        hint: addonHint(cause, 'In a checkout run: npm run build. Elsewhere reinstall the package.'),
      },
    )
  }
}

/** Opens libtorch_cuda before anything asks torch about CUDA; returns why there is no GPU, or null. */
export function openCuda(loader: Loader, { lib, flavour }: Libtorch): string | null {
  if (process.env.SHINSAKU_DEVICE === 'cpu') return 'SHINSAKU_DEVICE is cpu'
  const problem = loader.cudaDriver()
  if (problem !== null) return problem
  if (flavour !== 'cuda')
    return `the libtorch in use is built for the CPU only${hasCudaBuild() ? '; run: npx shinsaku setup --cuda' : ''}`
  try {
    // Of several processes on a machine each has one GPU, which is then the only one that it sees.
    const device = visibleDevice(readLaunch(), process.env.CUDA_VISIBLE_DEVICES)
    if (device !== undefined) process.env.CUDA_VISIBLE_DEVICES = device
    // cuBLAS gives the same bits again only with a workspace of its own; it reads this once, at its first product.
    loader.setEnvironment('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    loader.open(join(lib, 'libtorch_cuda.so'))
    return null
  } catch (error) {
    return `libtorch_cuda could not be loaded: ${(error as Error).message}`
  }
}

/** Opens the CUDA plugin after libtorch_cuda; returns why training on a GPU goes without it, or null. */
export function openPlugin(loader: Loader, builds: Builds, version: string): string | null {
  const path = pluginFor(builds, version)
  if (path === undefined || !existsSync(path)) return `this package holds no CUDA plugin for torch ${version}`
  try {
    loader.open(path)
    return null
  } catch (error) {
    return `the CUDA plugin could not be loaded: ${(error as Error).message}`
  }
}

function sameFile(a: string, b: string): boolean {
  const [first, second] = [statSync(a), statSync(b)]
  return first.dev === second.dev && first.ino === second.ino
}

/** Throws LIBTORCH_CONFLICT when this process has loaded another libtorch: two of them would mix their symbols. */
export function requireNoOther(loader: Loader, { lib }: Libtorch): void {
  const name = 'libtorch_cpu.so'
  const other = loader.opened(name)
  if (other === null || sameFile(other, join(lib, name))) return
  throw new ShinsakuError(
    'LIBTORCH_CONFLICT',
    `This process has loaded ${other} already, so that in ${lib} cannot be used`,
    {
      hint: `Set LIBTORCH=${dirname(dirname(other))}, or use one of the two in a child process.`,
      details: { other, lib },
    },
  )
}

function openLibtorch(loader: Loader, { lib, root: where }: Libtorch): void {
  try {
    const openMp = findOpenMp(lib)
    // By default OpenMP's threads spin for milliseconds between two operations. Beside sharp, an event loop or a second
    // run they then take the cores that the others wait for: ten times slower, all of them. So they sleep, but only after
    // some ten microseconds, for a network waits 500 times in one pass and mostly shorter than waking up takes. Read once,
    // when the library is opened.
    if (process.env.OMP_WAIT_POLICY === undefined) loader.setEnvironment('GOMP_SPINCOUNT', '2000')
    loader.setEnvironment('OMP_WAIT_POLICY', 'passive')
    // A connection that closes at the end of a run is no news, and one that is lost becomes an error.
    if (readLaunch()) loader.setEnvironment('TORCH_CPP_LOG_LEVEL', 'ERROR')
    if (openMp) loader.open(join(lib, openMp))
    for (const file of ['libc10.so', 'libtorch_cpu.so']) loader.open(join(lib, file))
  } catch (cause) {
    throw new ShinsakuError(
      'LIBTORCH_MISSING',
      `The libtorch in ${where} could not be opened: ${(cause as Error).message}`,
      {
        cause,
        hint: 'The CUDA build of libtorch needs the nvidia-cuda-runtime and nvidia-cuda-cupti libraries beside it. Run: npx shinsaku setup',
      },
    )
  }
}

async function find(onLine?: (line: string) => void): Promise<Libtorch> {
  try {
    return findLibtorch()
  } catch (error) {
    const missing = error instanceof ShinsakuError && error.code === 'LIBTORCH_MISSING'
    // What a variable names wrongly stays wrong whatever is fetched.
    if (!missing || error.details.named || process.env.SHINSAKU_FETCH !== '1') throw error
    await fetchLibtorch(onLine ? { onLine } : {})
    return findLibtorch()
  }
}

async function loadAll(onLine?: (line: string) => void): Promise<Loaded> {
  requireOwnFolder()
  const builds = findBuilds()
  // Whoever has built it elsewhere may use it there.
  if (!builds.local) requirePlatform()
  const loader = requireAddon<Loader>(builds.loader, 'loader')
  const libtorch = await find(onLine)
  requireNoOther(loader, libtorch)
  openLibtorch(loader, libtorch)
  const cudaProblem = openCuda(loader, libtorch)
  const pluginProblem = cudaProblem ?? openPlugin(loader, builds, libtorch.version)
  const raw = requireAddon<Addon>(addonFor(builds, libtorch.version) ?? packageRoot, 'addon')
  // Node runs no cleanup hooks on process.exit(); without this a unit would still run while statics are destroyed.
  process.on('exit', () => raw.shutdown())
  const cudaName = cudaProblem === null ? loader.cudaName() : ''
  return { addon: wrapAddon(raw), raw, libtorch, cudaProblem, cudaName, pluginProblem }
}

let loaded: Promise<Loaded> | undefined

/** The addon and what it was loaded with. Fetches libtorch first where SHINSAKU_FETCH=1 allows it. */
export function loadNative(onLine?: (line: string) => void): Promise<Loaded> {
  if (!loaded) {
    loaded = loadAll(onLine)
    // A failed load may be mended (shinsaku setup) and tried again in the same process.
    loaded.catch(() => {
      loaded = undefined
    })
  }
  return loaded
}

/**
 * The addon. Rejects with PLATFORM_UNSUPPORTED, LIBTORCH_MISSING, LIBTORCH_VERSION, LIBTORCH_CONFLICT,
 * LIBTORCH_FETCH_FAILED or ADDON_MISSING.
 */
export async function loadAddon(onLine?: (line: string) => void): Promise<Addon> {
  return (await loadNative(onLine)).addon
}
