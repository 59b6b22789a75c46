// The phases of run.sh, one after another, each with its own time limit and its own log. A phase that fails or runs out
// of time does not stop the next; a short summary ends it all.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const usage = `bash scripts/gpu/run.sh [PHASE...] [options]

  build   compiles the addon for the torch at hand
  test    the GPU tests

  --build-limit S       seconds a phase may take; likewise --test-limit`

const text = (value) => ({ type: 'string', default: value })
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'build-limit': text('240'),
    'test-limit': text('150'),
    help: { type: 'boolean' },
  },
})
const known = ['build', 'test']
const asked = positionals.length > 0 ? positionals : known
const unknown = asked.find((name) => !known.includes(name))
if (values.help || unknown) {
  console.log(unknown ? `no phase is called ${unknown}\n\n${usage}` : usage)
  process.exit(unknown ? 2 : 0)
}

const root = join(import.meta.dirname, '..', '..')
const out = process.env.OUT
mkdirSync(out, { recursive: true })
const python = process.env.SHINSAKU_PYTHON || 'python3'

/** What the machine is, as its own programs tell. */
function describeMachine() {
  const says = (program, args) => {
    const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 })
    return status === 0 ? stdout.trim() : null
  }
  const fields = 'name,driver_version,memory.total,clocks.sm,clocks.max.sm,clocks.mem,power.limit,temperature.gpu'
  const torch =
    'import json,sys,torch,numpy; print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "python": sys.version.split()[0], "numpy": numpy.__version__, "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None}))'
  const answer = says(python, ['-c', torch])
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.version,
    gpuFields: fields,
    gpu: says('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader']),
    compiler: says('c++', ['--version'])?.split('\n')[0] ?? null,
    python: answer && JSON.parse(answer),
  }
}

/** Runs a program into `NAME.log`; ends it and all that it started when its time is over. */
function runPhase(name, seconds, program, args) {
  const began = performance.now()
  // A file, not a pipe: what a program leaves running would hold a pipe open.
  const log = openSync(join(out, `${name}.log`), 'w')
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  const stop = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  return new Promise((resolve) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      stop('SIGTERM')
      setTimeout(() => stop('SIGKILL'), 3000).unref()
    }, seconds * 1000)
    const finish = (result) => {
      clearTimeout(timer)
      stop('SIGKILL')
      const took = Number(((performance.now() - began) / 1000).toFixed(1))
      resolve({ phase: name, result: late ? `not finished in ${seconds} s` : result, seconds: took })
    }
    child.on('error', (error) => finish(error.message))
    child.on('exit', (code, signal) => finish(code === 0 ? 'ok' : `failed (${signal ?? code})`))
  })
}

const node = process.execPath
const vitest = join('node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${join(out, 'test.json')}`]
const phases = {
  build: () => [values['build-limit'], node, ['scripts/build.mjs']],
  test: () => [values['test-limit'], node, [vitest, 'run', 'test/gpu', ...reporters]],
}

const tail = (name, lines) =>
  readFileSync(join(out, `${name}.log`), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .join('\n')

const machine = describeMachine()
writeFileSync(
  join(out, 'machine.json'),
  `${JSON.stringify({ ...machine, arguments: process.argv.slice(2) }, null, 2)}\n`,
)
console.log(`${machine.gpu ?? 'no GPU'}; torch ${machine.python?.torch ?? 'not found'}; ${machine.cores} cores`)
const summary = []
for (const name of asked) {
  const [limit, program, args] = phases[name]()
  const ended = await runPhase(name, Number(limit), program, args)
  summary.push(ended)
  writeFileSync(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  console.log(`== ${name}: ${ended.result}, ${ended.seconds} s`)
  console.log(tail(name, ended.result === 'ok' ? (name === 'build' ? 2 : 40) : 60))
}
console.log(`\n${summary.map(({ phase, result, seconds }) => `${phase}: ${result}, ${seconds} s`).join('\n')}`)
process.exit(summary.every(({ result }) => result === 'ok') ? 0 : 1)
