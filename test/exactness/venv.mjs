// The Python that the references run in: a venv in the user's cache, with torch of the version of the libtorch in use.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findLibtorch, pythonProgram } from '../../dist/libtorch/find.js'
import { userCacheFolder } from '../../dist/system/cache.js'

/** @import { Libtorch } from '../../dist/libtorch/find.js' */

/**
 * The Python of the references; `env` is that in which it sees the packages of a U-Net.
 * @typedef {{ torch: string, folder: string, python: string, env: (variant?: string) => NodeJS.ProcessEnv }} Venv
 */

const execute = promisify(execFile)

/** Each package with the ema-pytorch of its time. */
export const references = {
  0.26: { 'denoising-diffusion-pytorch': '0.26.4', 'ema-pytorch': '0.0.9' },
  2.3: { 'denoising-diffusion-pytorch': '2.3.4', 'ema-pytorch': '0.7.9' },
}

const TORCHVISION = '0.28.0'
/** What the packages import. */
const common = 'pillow einops tqdm accelerate scipy safetensors'.split(' ')

/** @type {(program: string, args: string[], options?: import('node:child_process').ExecFileOptions) => Promise<string>} */
async function run(program, args, options = {}) {
  try {
    return (await execute(program, args, { maxBuffer: 2 ** 28, ...options, encoding: 'utf8' })).stdout.trim()
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error)
    const tail = String(stderr || message)
      .trim()
      .split('\n')
      .slice(-15)
    throw new Error(`${program} ${args.join(' ')}\n${tail.join('\n')}`, { cause: error })
  }
}

/** @type {(folder: string, libtorch: Libtorch, onLine: (line: string) => void) => Promise<void>} */
async function install(folder, libtorch, onLine) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  onLine(`making ${folder}`)
  await run(pythonProgram(), ['-m', 'venv', folder])
  const python = join(folder, 'bin', 'python')
  const pip = (/** @type {string[]} */ ...args) => run(python, ['-m', 'pip', 'install', '--quiet', ...args])
  onLine(`installing torch ${libtorch.version}`)
  await pip('numpy', `torch==${libtorch.version}`)
  onLine('installing the reference packages')
  await pip(...common)
  await pip('--no-deps', `torchvision==${TORCHVISION}`)
  for (const [variant, packages] of Object.entries(references)) {
    const pinned = Object.entries(packages).map(([name, version]) => `${name}==${version}`)
    await pip('--no-deps', '--target', join(folder, `lucidrains-${variant}`), ...pinned)
  }
  await writeFile(join(folder, 'complete'), `${libtorch.version}\n`)
}

/**
 * The venv, made where it is not there yet.
 * @param {(line: string) => void} onLine
 * @returns {Promise<Venv>}
 */
export async function openVenv(onLine) {
  const libtorch = findLibtorch()
  const versions = Object.values(references).map((packages) => packages['denoising-diffusion-pytorch'])
  const folder = join(userCacheFolder(), `exactness-${[libtorch.version, ...versions].join('-')}`)
  const complete = join(folder, 'complete')
  const ready = existsSync(complete) && (await readFile(complete, 'utf8')).trim() === libtorch.version
  if (!ready) await install(folder, libtorch, onLine)
  return {
    torch: libtorch.version,
    folder,
    python: join(folder, 'bin', 'python'),
    env: (variant) => ({
      ...process.env,
      CUDA_VISIBLE_DEVICES: '',
      OMP_WAIT_POLICY: 'passive',
      PYTHONPATH: [
        import.meta.dirname,
        join(import.meta.dirname, '..', 'golden', 'make'),
        ...(variant ? [join(folder, `lucidrains-${variant}`)] : []),
      ].join(':'),
      PYTHONDONTWRITEBYTECODE: '1',
      TQDM_DISABLE: '1',
    }),
  }
}

/** A function that runs a script, named from here, beside the reference of a U-Net. @param {(line: string) => void} onLine */
export async function openReferences(onLine) {
  const { python, env } = await openVenv(onLine)
  return (/** @type {string} */ script, /** @type {string[]} */ args, /** @type {string} */ variant) =>
    run(python, [join(import.meta.dirname, script), ...args], { env: env(variant) })
}
