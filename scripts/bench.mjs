#!/usr/bin/env node
// Times sampling beside its Python peers: every side is a process of its own that waits while another works, and the
// rounds go round all of them, so that all see the same machine. Prints medians, minima and ratios.
//   node scripts/bench.mjs [--only forward,sample] [--who shinsaku,eager,...] [--dim 64] [--dim-mults 1,2,4,8]
//     [--unet 2.3] [--size 128] [--batch 1] [--threads 2] [--steps 10] [--rounds 8] [--json FILE]
// SHINSAKU_BENCH_PYTHON names a Python that has torch and denoising-diffusion-pytorch; without it one is made in the
// user's cache.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const TORCH = '2.13.0'
const PACKAGE = 'denoising-diffusion-pytorch==2.3.4'
const own = ['shinsaku', 'shinsaku-reference']
const peers = ['eager', 'channels_last', 'compile', 'freezing']

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'forward,sample' },
    who: { type: 'string', default: 'shinsaku,eager,channels_last' },
    unet: { type: 'string', default: '2.3' },
    dim: { type: 'string', default: '64' },
    'dim-mults': { type: 'string', default: '1,2,4,8' },
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    steps: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
})

const list = (text, known, flag) => {
  const names = text.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`--${flag} has "${unknown}"; it knows ${known.join(', ')}`)
  return names
}
const number = (flag) => {
  const value = Number(values[flag])
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${flag} must be a whole number from 1, not "${values[flag]}"`)
  return value
}

const works = list(values.only, ['forward', 'sample'], 'only')
const whos = list(values.who, [...own, ...peers], 'who')
const rounds = number('rounds')
const settings = {
  unet: values.unet,
  dim: number('dim'),
  dimMults: values['dim-mults'].split(',').map(Number),
  size: number('size'),
  batch: number('batch'),
  threads: number('threads'),
  steps: number('steps'),
}

/** The Python of the peers; its packages are installed once. */
function python() {
  if (process.env.SHINSAKU_BENCH_PYTHON) return process.env.SHINSAKU_BENCH_PYTHON
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const venv = join(cache, 'shinsaku', `bench-${TORCH}`)
  const program = join(venv, 'bin', 'python')
  if (!existsSync(join(venv, 'ready'))) {
    console.error(`Installing torch ${TORCH} and ${PACKAGE} into ${venv} ...`)
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' })
    execFileSync(program, ['-m', 'pip', 'install', '-q', `torch==${TORCH}`, PACKAGE], { stdio: 'inherit' })
    writeFileSync(join(venv, 'ready'), '')
  }
  return program
}

const script = (name) => fileURLToPath(new URL(`bench/${name}`, import.meta.url))

/** One side, ready to work. */
async function start(who) {
  const isOwn = own.includes(who)
  const [program, file] = isOwn ? [process.execPath, script('shinsaku.mjs')] : [python(), script('peer.py')]
  // Threads that spin between two pieces of work would slow whoever is next.
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive', OMP_NUM_THREADS: String(settings.threads) }
  const child = spawn(program, [file, JSON.stringify({ ...settings, who })], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${who} ended; its errors are above`)
    return JSON.parse(value)
  }
  const { ready, detail } = await answer()
  console.error(`${who}: ${detail}, ready after ${(ready / 1000).toFixed(1)} s`)
  return {
    who,
    ready,
    work: (name) => {
      child.stdin.write(`${name}\n`)
      return answer()
    },
    end: () => child.stdin.end(),
  }
}

const middle = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

const sides = []
for (const who of whos) sides.push(await start(who))
const rows = []
for (const work of works) {
  const times = new Map(sides.map(({ who }) => [who, []]))
  for (const side of sides) await side.work(work)
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) times.get(side.who).push(await side.work(work))
  }
  for (const [who, all] of times) {
    const ms = all.map((one) => one.ms)
    const cpu = middle(all.map((one) => one.cpu))
    rows.push({ work, who, median: middle(ms), min: Math.min(...ms), rounds, cpu })
  }
}
for (const side of sides) side.end()

const { dim, dimMults, size, batch, threads, unet } = settings
console.log(
  `U-Net ${unet}, dim ${dim} (${dimMults}), ${size} px, batch ${batch}, ${threads} threads, ${cpus()[0].model}`,
)
for (const work of works) {
  const here = rows.filter((row) => row.work === work)
  const base = here.find((row) => row.who === 'shinsaku')
  for (const { who, median, min, cpu } of here) {
    const ratio = base
      ? `  ${(median / base.median).toFixed(2)}x (minima ${(min / base.min).toFixed(2)}x, CPU ${(cpu / base.cpu).toFixed(2)}x)`
      : ''
    console.log(
      `${work.padEnd(8)} ${who.padEnd(20)} ${median.toFixed(0).padStart(6)} ms, min ${min.toFixed(0).padStart(6)}, CPU ${cpu.toFixed(0).padStart(6)}${ratio}`,
    )
  }
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ settings, rows }, null, 2)}\n`)
