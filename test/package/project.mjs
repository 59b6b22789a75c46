// A project that installs the tarball and uses it: import, require, 20 images of training, a sample, types, Jest.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/bootstrap.mjs'
import { binary, versionOf } from './tools.mjs'

/** @typedef {Error & { stdout?: string, stderr?: string, signal?: string | null }} Failed */

/**
 * Runs a program; what it wrote is in the error when it fails.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileSyncOptions} options
 * @returns {string}
 */
export function run(program, args, options) {
  try {
    return execFileSync(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 900_000,
      ...options,
      encoding: 'utf8',
    })
  } catch (error) {
    const { stdout = '', stderr = '', message, signal } = /** @type {Failed} */ (error)
    const ended = signal ? `\nended by ${signal}` : ''
    throw new Error(`${[program, ...args].join(' ')}\n${`${stdout}${stderr}`.trim() || message}${ended}`)
  }
}

/** Installs the tarball into an empty project, without running any script. */
export function install(manager, folder, tarball, tools) {
  if (manager !== 'npm ci')
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true }))
  const withNode = (name, ...args) => run(binary(tools, 'node-24'), [binary(tools, name), ...args], { cwd: folder })
  const berry = (linker) => {
    writeFileSync(
      join(folder, '.yarnrc.yml'),
      `nodeLinker: ${linker}\nenableScripts: false\nenableTelemetry: false\nenableImmutableInstalls: false\n`,
    )
    writeFileSync(join(folder, 'yarn.lock'), '')
    withNode('yarn-berry', 'add', `shinsaku@file:${tarball}`)
  }
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund']
  const ways = {
    npm: () => run('npm', ['install', ...quiet, tarball], { cwd: folder }),
    'npm ci': () => run('npm', ['ci', ...quiet], { cwd: folder }),
    pnpm: () => run(binary(tools, 'pnpm'), ['add', '--ignore-scripts', tarball], { cwd: folder }),
    'yarn-classic': () => withNode('yarn-classic', 'add', '--ignore-scripts', '--non-interactive', `file:${tarball}`),
    'yarn-berry': () => berry('node-modules'),
    'yarn-pnp': () => berry('pnp'),
    bun: () => run(binary(tools, 'bun'), ['add', '--ignore-scripts', tarball], { cwd: folder }),
  }
  ways[manager]()
}

const options = `{ data: 'builtin:icons:20', size: 16, dim: 8, dimMults: [1, 2], timesteps: 20, batch: 4, maxImages: 20, previews: 0, device: 'cpu' }`
const body = `const model = await train(${options})
  const { pixels } = await model.sample({ count: 2, steps: 4, seed: 1 })
  console.log(JSON.stringify({ images: model.images, bytes: pixels.length }))
  model.dispose()`

/** What the project's programs say when all went well. */
const expected = JSON.stringify({ images: 20, bytes: 2 * 16 * 16 * 3 })

/** The sources of a project, by file name. */
export const sources = {
  'import.mjs': `import { train } from 'shinsaku'\n{\n  ${body}\n}\n`,
  'require.cjs': `const { train } = require('shinsaku')\nasync function main() {\n  ${body}\n}\nmain()\n`,
  'types.mts':
    "import { train, type Status, ShinsakuError } from 'shinsaku'\nexport const loss = (status: Status): number => status.loss\nexport const run = train({ size: 16 })\n// @ts-expect-error: sizes are numbers\ntrain({ size: 'large' })\n// @ts-expect-error: a DCGAN has no dim\ntrain({ model: 'dcgan', dim: 8 })\n// @ts-expect-error: no such unit\ntrain({ maxTime: '3 weeks' })\nexport const code: string = new ShinsakuError('DISPOSED', '').code\n",
  'types.cts':
    "import shinsaku = require('shinsaku')\nexport const run: shinsaku.TrainingRun = shinsaku.train({ size: 16 })\n",
}

/** Settings of TypeScript that projects have, and the files that work with them: node16 has no require of ESM yet. */
export const typeSettings = /** @type {[module: string, resolution: string, files: string[]][]} */ ([
  ['node16', 'node16', ['types.mts']],
  ['nodenext', 'nodenext', ['types.mts', 'types.cts']],
  ['esnext', 'bundler', ['types.mts']],
])

export function checkTypes(folder, settingsToTry = typeSettings) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const [module, resolution, files] of settingsToTry) {
    const settings = [
      '--module',
      module,
      '--moduleResolution',
      resolution,
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
    ]
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
    run(process.execPath, [tsc, '--noEmit', '--strict', ...settings, ...types, ...files], { cwd: folder })
  }
  return 'types'
}

/** Trains in a test of Jest, which needs Node's modules of ES; says which version. */
export function useInJest(folder, tools) {
  writeFileSync(
    join(folder, 'train.test.mjs'),
    `import { train } from 'shinsaku'\ntest('trains', async () => {\n  ${body}\n}, 600_000)\n`,
  )
  const settings = { testEnvironment: 'node', testMatch: ['**/train.test.mjs'], transform: {} }
  const args = ['--experimental-vm-modules', binary(tools, 'jest'), '--config', JSON.stringify(settings)]
  run(process.execPath, [...args, '--rootDir', folder], { cwd: folder })
  return versionOf(tools, 'jest')
}

/** Runs the project's programs in one runtime; says what worked. */
export function use(folder, { tools, runner, types = false }) {
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, name), text)
  /** @type {Record<string, [program: string, before: string[]]>} */
  const runners = {
    bun: [binary(tools, 'bun'), []],
    deno: [binary(tools, 'deno'), ['run', '-A', '--node-modules-dir=manual']],
    'yarn-pnp': [binary(tools, 'node-24'), [binary(tools, 'yarn-berry'), 'node']],
  }
  const [program, before] = runners[runner] ?? [
    runner.startsWith('node-') ? binary(tools, runner) : process.execPath,
    [],
  ]
  const done = []
  const failed = []
  for (const file of ['import.mjs', 'require.cjs']) {
    try {
      const said = run(program, [...before, file], { cwd: folder })
      if (said.trim() !== expected) throw new Error(`${file} said ${said}, expected ${expected}`)
      done.push(file)
    } catch (error) {
      failed.push(/** @type {Error} */ (error).message)
    }
  }
  if (types) done.push(checkTypes(folder))
  if (failed.length > 0) throw new Error(`${done.join(', ')} worked; but ${failed.join('\n')}`)
  return done.join(', ')
}
