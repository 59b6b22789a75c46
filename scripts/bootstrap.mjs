#!/usr/bin/env node
// Brings a fresh clone to where everything can run: tools, packages, compiled TypeScript, libtorch, the addon.
// Uses Node's own modules only, because npm may not have run yet. Each phase is skipped when it is up to date.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags } from './flags.mjs'

/** @import { Libtorch } from '../dist/libtorch/find.js' */

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const succeeds = (/** @type {string} */ program, /** @type {string[]} */ args) =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0

/** Programs the build needs, each with the line that installs it on Debian and Ubuntu. */
function missingTools() {
  const python = process.env.SHINSAKU_PYTHON || 'python3'
  const compiler = process.env.CXX || 'c++'
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  /** @type {[name: string, line: string, present: () => boolean][]} */
  const tools = [
    [
      'Node ^20.19 or >=22.12',
      'see https://nodejs.org/en/download',
      () => (major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22),
    ],
    [`Python 3 (${python})`, 'sudo apt-get install python3', () => succeeds(python, ['--version'])],
    [`pip for ${python}`, 'sudo apt-get install python3-pip', () => succeeds(python, ['-m', 'pip', '--version'])],
    ['CMake 3.18 or newer', 'sudo apt-get install cmake', () => succeeds('cmake', ['--version'])],
    [
      `a C++20 compiler (${compiler})`,
      'sudo apt-get install g++',
      () => succeeds(compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '/dev/null']),
    ],
    [
      'make or ninja',
      'sudo apt-get install make',
      () => succeeds('make', ['--version']) || succeeds('ninja', ['--version']),
    ],
  ]
  return tools.filter(([, , present]) => !present())
}

/**
 * Newest change below a path, in milliseconds; 0 when it does not exist.
 * @param {string} path
 * @returns {number}
 */
function newest(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), 0)
}

/** Oldest of the given files; 0 when one is missing. */
const oldest = (/** @type {string[]} */ ...paths) =>
  Math.min(...paths.map((path) => (existsSync(path) ? statSync(path).mtimeMs : 0)))

const at = (/** @type {string[]} */ ...parts) => join(root, ...parts)

/**
 * Does the work, and says on stderr that it does and how long it took.
 * @param {string} name
 * @param {() => unknown} work
 */
export async function statePhase(name, work) {
  console.error(`[shinsaku] ${name} ...`)
  const started = performance.now()
  await work()
  console.error(`[shinsaku] ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/**
 * @param {string} name
 * @param {boolean} needed
 * @param {() => unknown} work
 */
async function phase(name, needed, work) {
  if (needed) await statePhase(name, work)
}

const run = (/** @type {string} */ program, /** @type {string[]} */ args) =>
  execFileSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] })

const tsc = at('node_modules', 'typescript', 'bin', 'tsc')

export const installPackages = () =>
  phase('installing packages', oldest(at('node_modules', '.package-lock.json')) < newest(at('package-lock.json')), () =>
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']),
  )

export const compileTypeScript = () =>
  phase(
    'compiling TypeScript',
    oldest(at('dist', 'index.js')) < Math.max(newest(at('lib')), newest(at('tsconfig.build.json'))),
    () => run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--incremental', 'false']),
  )

/** Loaded when it is there: a fresh clone has no dist/ yet. */
const loadLibtorch = async () => ({
  ...(await import('../dist/libtorch/builds.js')),
  ...(await import('../dist/libtorch/find.js')),
  ...(await import('../dist/libtorch/fetch.js')),
})

/** The libtorch to build for: any that the sources compile against. */
async function findOrFetch() {
  const { sourceMinors, findLibtorch, fetchLibtorch } = await loadLibtorch()
  try {
    return findLibtorch(sourceMinors)
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'LIBTORCH_MISSING') throw error
    await phase('fetching libtorch with pip', true, () =>
      fetchLibtorch({ onLine: (line) => console.error(`  ${line}`) }),
    )
    return findLibtorch(sourceMinors)
  }
}

/** Whether the addon there is was built for this minor version of torch. @param {Libtorch} libtorch */
async function isBuiltFor({ version }) {
  const { findBuilds, minorOf } = await loadLibtorch()
  return findBuilds().addons.has(minorOf(version))
}

/** Runs every phase that is not up to date. Exits the process with a message when one cannot be done. */
export async function bootstrap() {
  const missing = missingTools()
  if (missing.length > 0) {
    console.error(`shinsaku needs ${missing.length === 1 ? 'a tool that is' : 'tools that are'} not installed:`)
    for (const [name, line] of missing) console.error(`  ${name}: ${line}`)
    process.exit(1)
  }
  try {
    await installPackages()
    await compileTypeScript()
    const libtorch = await findOrFetch()
    const built = oldest(
      at('build', 'Release', 'shinsaku.node'),
      at('build', 'loader', 'build', 'Release', 'loader.node'),
    )
    const sources = Math.max(newest(at('native')), newest(at('CMakeLists.txt')), newest(at('scripts', 'build.mjs')))
    await phase('building the addon', built < sources || !(await isBuiltFor(libtorch)), () =>
      run(process.execPath, [at('scripts', 'build.mjs')]),
    )
  } catch (error) {
    const { code, message, hint } = /** @type {Error & { code?: string, hint?: string }} */ (error)
    console.error(`[shinsaku] ${code ? `${code}: ` : ''}${message}${hint ? `\n${hint}` : ''}`)
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  readFlags({
    command: 'npm run build',
    about: 'Brings a fresh clone to where everything can run: packages, compiled TypeScript, libtorch, the addon.',
  })
  await bootstrap()
}
