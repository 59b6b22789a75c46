#!/usr/bin/env node
// The phases of run.sh, one after another, each with its own time limit and its own log. A phase that fails or runs out
// of time does not stop the next; a short summary ends it all.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFlags, refuse } from '../../scripts/flags.mjs'
import { describeGpu } from '../machine.mjs'

/** @typedef {{ phase: string, result: string, seconds: number }} Outcome */

const known = ['build', 'test', 'doctor', 'exact', 'bench']
const { values, words: positionals } = readFlags({
  command: 'bash bench/gpu/run.sh',
  words: '[PHASE...]',
  about: `  build   compiles the addon for the torch at hand
  test    the GPU tests
  doctor  every backend of training beside the reference (shinsaku doctor --gpu)
  exact   the same seed twice; losses beside those of Python; the GPU beside the CPU
  bench   training and sampling beside PyTorch

Logs and JSON lie in build/gpu-results; with OUT set, a copy of the JSON and an archive of all of it go there.`,
  flags: {
    rehearse: { help: 'exact and bench in miniature, without a GPU' },
    'build-limit': { value: 'S', default: '240', help: 'seconds that the phase may take' },
    'test-limit': { value: 'S', default: '240', help: 'likewise' },
    'doctor-limit': { value: 'S', default: '100', help: 'likewise' },
    'exact-limit': { value: 'S', default: '150', help: 'likewise' },
    budget: { value: 'S', default: '200', help: 'seconds of the benchmark; it leaves out what is least important' },
    bench: { value: '"FLAGS"', default: '', help: 'further flags of bench/bench.mjs' },
    exact: { value: '"FLAGS"', default: '', help: 'further flags of bench/gpu/exact.mjs' },
    test: { value: '"FLAGS"', default: '', help: 'further flags of vitest' },
  },
})
const unknown = positionals.find((name) => !known.includes(name))
if (unknown) refuse(`no phase is called ${unknown}; there are ${known.join(', ')}`)
const asked = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known

const root = join(import.meta.dirname, '..', '..')
const results = join(root, 'build', 'gpu-results')
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })
const out = process.env.OUT
if (out) mkdirSync(out, { recursive: true })
const words = (/** @type {string} */ line) => line.split(/\s+/).filter(Boolean)

async function describeMachine() {
  const machine = await describeGpu()
  writeFileSync(join(results, 'machine.json'), `${JSON.stringify(machine, null, 2)}\n`)
  console.log(`${machine.gpu ?? 'no GPU'}; torch ${machine.torch ?? 'not found'}; ${machine.cores} cores`)
}

/** Copies what there is so far to OUT: the machine may be taken away at any moment. */
function publish() {
  if (!out) return
  for (const name of ['summary.json', 'machine.json', 'exact.json', 'bench.json']) {
    if (existsSync(join(results, name))) copyFileSync(join(results, name), join(out, name))
  }
  spawnSync('tar', ['-czf', join(out, 'gpu-results.tar.gz'), '-C', join(root, 'build'), 'gpu-results'])
}

/**
 * Starts a program that writes into `NAME.log`. `finish(seconds)` waits for it, and ends it after that time.
 * @param {string} name
 * @param {readonly string[]} command
 */
function startPhase(name, [program = '', ...args]) {
  // A file, not a pipe: what a program leaves running would hold a pipe open.
  const log = openSync(join(results, `${name}.log`), 'w')
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(program, args, { cwd: root, env, stdio: ['pipe', log, log], detached: true })
  closeSync(log)
  child.stdin?.on('error', () => {})
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(code === 0 ? 'ok' : `failed (${signal ?? code})`))
  })
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    try {
      if (child.pid) process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  /** @param {number} seconds @returns {Promise<Outcome>} */
  const finish = async (seconds) => {
    const began = performance.now()
    let late = false
    const timers = [
      setTimeout(() => {
        late = true
        stop('SIGTERM')
      }, seconds * 1000),
      setTimeout(() => stop('SIGKILL'), seconds * 1000 + 3000),
    ]
    const result = await ended
    for (const timer of timers) clearTimeout(timer)
    stop('SIGKILL')
    const took = Number(((performance.now() - began) / 1000).toFixed(1))
    return { phase: name, result: late ? `not finished in ${seconds} s` : result, seconds: took }
  }
  return { go: () => child.stdin?.end('go\n'), finish }
}

const node = process.execPath
const vitest = join('node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${join(results, 'test.json')}`]
const rehearse = values.rehearse ? ['--rehearse'] : []
const device = values.rehearse ? [] : ['--device', 'cuda']
const at = (/** @type {string} */ name) => join(results, name)
const again = 'node scripts/build.mjs'
const without = 'cmake -DNVCC:FILEPATH=OFF build/cmake'
const plain = 'built without the CUDA plugin, whose errors are above'
// What is left is for shinsaku's own part.
const pythonLimit = String(Math.ceil(0.7 * Number(values['exact-limit'])))
/** @type {Record<string, readonly string[]>} */
const programs = {
  // Without the CUDA plugin rather than not at all.
  build: ['bash', '-c', `${again} || { ${without} && ${again} && echo "${plain}"; }`],
  test: [node, vitest, 'run', 'test/gpu', ...reporters, ...words(values.test)],
  doctor: [node, 'dist/cli/main.js', 'doctor', '--gpu'],
  exact: [node, 'bench/gpu/exact.mjs', ...rehearse, '--out', results, '--limit', pythonLimit, ...words(values.exact)],
  bench: [
    ...[node, 'bench/bench.mjs', '--wait', ...device, ...rehearse, '--budget', values.budget],
    ...['--json', at('bench.json'), '--log', at('bench-sides.log'), ...words(values.bench)],
  ],
}
/** @type {Record<string, number>} */
const limits = {
  build: Number(values['build-limit']),
  test: Number(values['test-limit']),
  doctor: Number(values['doctor-limit']),
  exact: Number(values['exact-limit']),
  // It ends itself in time; this is for when it hangs.
  bench: Number(values.budget) + 15,
}
const startOf = (/** @type {string} */ name) => startPhase(name, programs[name] ?? [])

const tail = (/** @type {string} */ name, /** @type {number} */ lines) => {
  const all = readFileSync(join(results, `${name}.log`), 'utf8')
    .trimEnd()
    .split('\n')
  return all.slice(-lines).join('\n')
}

// Python's side of the benchmark compiles for minutes: it begins at once and waits until all else is done.
const bench = asked.includes('bench') ? startOf('bench') : undefined
const described = describeMachine()
if (out) setInterval(publish, 20_000)
/** @type {Outcome[]} */
const summary = []
for (const name of asked) {
  const phase = (name === 'bench' && bench) || startOf(name)
  phase.go()
  const outcome = await phase.finish(limits[name] ?? 0)
  const { result, seconds } = outcome
  summary.push(outcome)
  writeFileSync(join(results, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  console.log(`== ${name}: ${result}, ${seconds} s`)
  console.log(tail(name, name === 'build' && result === 'ok' ? 1 : 70))
  publish()
}
await described
publish()
console.log(`\n${summary.map(({ phase, result, seconds }) => `${phase}: ${result}, ${seconds} s`).join('\n')}`)
process.exit(summary.every(({ result }) => result === 'ok') ? 0 : 1)
