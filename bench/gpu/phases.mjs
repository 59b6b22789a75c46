// The phases of run.sh, one after another, each with its own time limit and its own log. A phase that fails or runs out
// of time does not stop the next; a short summary ends it all.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'

const usage = `bash bench/gpu/run.sh [PHASE...] [options]

  build   compiles the addon for the torch at hand
  test    the GPU tests
  doctor  every way of training beside the reference (shinsaku doctor --gpu)
  exact   the same seed twice; losses beside those of Python; the GPU beside the CPU
  bench   training and sampling beside PyTorch

  --device cuda|cpu     cpu: a small rehearsal without a GPU
  --build-limit S       seconds a phase may take; likewise --test-limit, --doctor-limit, --exact-limit
  --budget S            seconds that the benchmark may take; it leaves out what is least important
  --bench="ARGUMENTS"   further arguments of bench/gpu/bench.mjs
  --exact="ARGUMENTS"   further arguments of bench/gpu/exact.mjs
  --test="ARGUMENTS"    further arguments of vitest

Logs and JSON lie in build/gpu-results; with OUT set, a copy of the JSON and an archive of all of it go there.`

const text = (value) => ({ type: 'string', default: value })
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: text('cuda'),
    'build-limit': text('240'),
    'test-limit': text('240'),
    'doctor-limit': text('100'),
    'exact-limit': text('150'),
    budget: text('200'),
    bench: text(''),
    exact: text(''),
    test: text(''),
    help: { type: 'boolean' },
  },
})
const known = ['build', 'test', 'doctor', 'exact', 'bench']
const asked = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known
const unknown = positionals.find((name) => !known.includes(name))
if (values.help || unknown) {
  console.log(unknown ? `no phase is called ${unknown}\n\n${usage}` : usage)
  process.exit(unknown ? 2 : 0)
}

const root = join(import.meta.dirname, '..', '..')
const results = join(root, 'build', 'gpu-results')
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })
const out = process.env.OUT
if (out) mkdirSync(out, { recursive: true })
const python = process.env.SHINSAKU_PYTHON || 'python3'
const words = (line) => line.split(/\s+/).filter(Boolean)

/** What the machine is, as its own programs tell. The first import of torch may take a minute. */
async function describeMachine() {
  const says = (program, args) =>
    promisify(execFile)(program, args, { timeout: 240_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    )
  const fields = 'name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit'
  const code = `import json, sys, torch
gpu = torch.cuda.is_available()
print(json.dumps({
  "python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda,
  "cudnn": torch.backends.cudnn.version() if gpu else None}))`
  const [answer, gpu, compiler] = await Promise.all([
    says(python, ['-c', code]),
    says('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader']),
    says('c++', ['--version']),
  ])
  const machine = {
    date: new Date().toISOString(),
    arguments: process.argv.slice(2),
    cpu: cpus()[0].model,
    cores: availableParallelism(),
    node: process.version,
    compiler: compiler?.split('\n')[0] ?? null,
    gpuFields: fields,
    gpu,
    ...(answer && JSON.parse(answer)),
  }
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

/** Starts a program that writes into `NAME.log`. `finish(seconds)` waits for it, and ends it after that time. */
function startPhase(name, program, args) {
  // A file, not a pipe: what a program leaves running would hold a pipe open.
  const log = openSync(join(results, `${name}.log`), 'w')
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(program, args, { cwd: root, env, stdio: ['pipe', log, log], detached: true })
  closeSync(log)
  child.stdin.on('error', () => {})
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(code === 0 ? 'ok' : `failed (${signal ?? code})`))
  })
  const stop = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
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
  return { go: () => child.stdin.end('go\n'), finish }
}

const node = process.execPath
const vitest = join('node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${join(results, 'test.json')}`]
const common = ['--device', values.device, '--out', results]
const again = 'node scripts/build.mjs'
const without = 'cmake -DNVCC:FILEPATH=OFF build/cmake'
const told = 'built without the CUDA plugin, whose errors are above'
// What is left is for shinsaku's own part.
const pythonLimit = String(Math.ceil(0.7 * Number(values['exact-limit'])))
const programs = {
  // Without the CUDA plugin rather than not at all.
  build: ['bash', '-c', `${again} || { ${without} && ${again} && echo "${told}"; }`],
  test: [node, vitest, 'run', 'test/gpu', ...reporters, ...words(values.test)],
  doctor: [node, 'dist/cli/main.js', 'doctor', '--gpu'],
  exact: [node, 'bench/gpu/exact.mjs', ...common, '--limit', pythonLimit, ...words(values.exact)],
  bench: [node, 'bench/gpu/bench.mjs', '--wait', ...common, '--budget', values.budget, ...words(values.bench)],
}
const limits = {
  build: Number(values['build-limit']),
  test: Number(values['test-limit']),
  doctor: Number(values['doctor-limit']),
  exact: Number(values['exact-limit']),
  // It ends itself in time; this is for when it hangs.
  bench: Number(values.budget) + 15,
}
const startOf = (name) => startPhase(name, programs[name][0], programs[name].slice(1))

const tail = (name, lines) => {
  const all = readFileSync(join(results, `${name}.log`), 'utf8')
    .trimEnd()
    .split('\n')
  return all.slice(-lines).join('\n')
}

// Python's side of the benchmark compiles for minutes: it begins at once and waits until all else is done.
const bench = asked.includes('bench') ? startOf('bench') : undefined
const described = describeMachine()
if (out) setInterval(publish, 20_000)
const summary = []
for (const name of asked) {
  const phase = name === 'bench' ? bench : startOf(name)
  phase.go()
  summary.push(await phase.finish(limits[name]))
  const { result, seconds } = summary.at(-1)
  writeFileSync(join(results, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  console.log(`== ${name}: ${result}, ${seconds} s`)
  console.log(tail(name, name === 'build' && result === 'ok' ? 1 : 70))
  publish()
}
await described
publish()
console.log(`\n${summary.map(({ phase, result, seconds }) => `${phase}: ${result}, ${seconds} s`).join('\n')}`)
process.exit(summary.every(({ result }) => result === 'ok') ? 0 : 1)
