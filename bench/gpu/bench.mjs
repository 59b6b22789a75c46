// Training and sampling on a GPU beside PyTorch: every side is a process of its own, rounds go round all of them, and only
// one works at a time. Writes bench.json into --out after each job; leaves out the last jobs when --budget is spent.
//   node bench/gpu/bench.mjs --out FOLDER [--device cuda|cpu] [--budget 200] [--rounds 8] [--steps 100]
//     [--only PART]...  [--who shinsaku,eager,...] [--start-limit 400] [--wait]
// With --wait the sides make themselves ready at once, but measuring begins when a line comes in.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { listJobs } from './jobs.mjs'
import { keyOf, Launcher, Side } from './sides.mjs'

const text = (value) => ({ type: 'string', default: value })
const { values } = parseArgs({
  options: {
    out: text('.'),
    device: text('cuda'),
    budget: text('200'),
    rounds: text('8'),
    steps: text('100'),
    only: { type: 'string', multiple: true },
    who: { type: 'string' },
    'start-limit': text('400'),
    wait: { type: 'boolean' },
  },
})
const rehearsal = values.device === 'cpu'
const cores = availableParallelism()
const jobs = listJobs({ rehearsal, only: values.only, whos: values.who?.split(',') })

const isOwn = (who) => who.startsWith('shinsaku')
const threads = rehearsal ? 1 : 4
const sideOf = (job, who) => new Side({ ...job, who, seed: 3407, device: values.device, threads }, values.out)

/** Sides in Python, which take minutes to compile. Own ones are started when it is their turn, and ended after it. */
const peers = new Map()
for (const job of jobs) {
  for (const who of job.whos.filter((who) => !isOwn(who) && !peers.has(keyOf(job, who))))
    peers.set(keyOf(job, who), sideOf(job, who))
}
const alive = new Set(peers.values())
process.on('exit', () => {
  for (const side of alive) side.end()
})
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(1))
const launcher = new Launcher(Math.max(2, Math.floor(cores / 4)), Number(values['start-limit']))
launcher.queue(peers.values())
if (values.wait) await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()
const began = performance.now()
const deadline = began + 1000 * Number(values.budget)
const left = () => deadline - performance.now()

/** MiB of the GPU that a process holds, by the driver's count. */
function memoryOf(pid) {
  try {
    const args = ['--query-compute-apps=pid,used_gpu_memory', '--format=csv,noheader,nounits']
    const lines = execFileSync('nvidia-smi', args, { encoding: 'utf8', timeout: 5000 }).split('\n')
    const found = lines.map((line) => line.split(',').map(Number)).find(([owner]) => owner === pid)
    return found && Number.isFinite(found[1]) ? found[1] : null
  } catch {
    return null
  }
}

function clocks() {
  try {
    const fields = 'clocks.sm,clocks.mem,temperature.gpu,power.draw'
    const args = [`--query-gpu=${fields}`, '--format=csv,noheader']
    return execFileSync('nvidia-smi', args, { encoding: 'utf8', timeout: 5000 }).trim()
  } catch {
    return null
  }
}

const middle = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** One turn of a side; undefined when it fails, which ends it. */
async function turn(side, warm, count, note) {
  try {
    const answer = await side.ask(`turn ${warm} ${count}`)
    note?.(answer)
    await side.ask('release')
    return answer.ms / count
  } catch {
    console.error(`${side.key}: ${side.problem}`)
    return undefined
  }
}

/** All rounds of a job; undefined when there is no time for it. */
async function measure(job, members) {
  const working = new Map()
  for (const side of members.filter(({ state }) => state === 'ready')) {
    side.prioritize(0)
    const ms = await turn(side, 2, rehearsal ? 1 : 5)
    if (ms !== undefined) working.set(side, { estimate: ms, times: [], memory: null, reserved: null })
  }
  const wanted = Number(values.rounds)
  const counts = (ms) => Math.ceil(Math.max(Number(values.steps) / wanted, rehearsal ? 0 : 150 / ms))
  const cost = [...working.values()].reduce((sum, { estimate }) => sum + estimate * (counts(estimate) + 2) + 30, 0)
  const rounds = Math.min(wanted, Math.floor((left() - 2000) / cost))
  if (rounds < 3) return undefined
  for (let round = 0; round < rounds; round++) {
    for (const [side, record] of working) {
      if (side.state !== 'ready') continue
      const ms = await turn(side, 2, counts(record.estimate), ({ reserved }) => {
        if (round === 0) Object.assign(record, { memory: rehearsal ? null : memoryOf(side.pid), reserved })
      })
      if (ms !== undefined) record.times.push(ms)
    }
  }
  const rows = members.map((side) => {
    const { who, problem, ready } = side
    const found = working.get(side)
    const { times = [], estimate, memory, reserved } = found ?? {}
    if (times.length < 3) return { who, problem: problem ?? 'not started' }
    const steps = counts(estimate) * times.length
    return { who, median: middle(times), min: Math.min(...times), times, steps, memory, reserved, ready }
  })
  return { ...job, rounds, clocks: clocks(), rows }
}

const results = []
const leftOut = []
const finished = new Set()
const write = () =>
  writeFileSync(
    join(values.out, 'bench.json'),
    `${JSON.stringify({ date: new Date().toISOString(), arguments: process.argv.slice(2), device: values.device, jobs: results, leftOut }, null, 2)}\n`,
  )

function print({ title, rows }) {
  console.log(`\n${title}`)
  const base = Math.min(...rows.filter(({ who, median }) => isOwn(who) && median).map(({ median }) => median))
  for (const { who, median, min, memory, problem } of rows) {
    if (problem) console.log(`  ${who.padEnd(20)} ${problem}`)
    else
      console.log(
        `  ${who.padEnd(20)} ${median.toFixed(2).padStart(8)} ms, min ${min.toFixed(2).padStart(8)}, ${(median / base).toFixed(2)}x${memory ? `, ${memory} MiB` : ''}`,
      )
  }
}

const peersOf = (job) => job.whos.filter((who) => !isOwn(who)).map((who) => peers.get(keyOf(job, who)))
const isSettled = (job) => peersOf(job).every(({ state }) => state === 'ready' || state === 'ended')

/** Ends peers that no job needs any more: they hold memory of the GPU. */
function tidy() {
  const needed = new Set(jobs.filter((job) => !finished.has(job)).flatMap(peersOf))
  for (const side of peers.values()) if (side.state === 'ready' && !needed.has(side)) side.end()
}

/** The next job to measure. The most important one is waited for, but not for long. */
function nextJob() {
  const unfinished = jobs.filter((job) => !finished.has(job))
  const patient = performance.now() - lastMeasured < 20_000
  return (patient ? unfinished.slice(0, 1) : unfinished).find(isSettled)
}

/** Measures the next job whose peers are all ready or have ended; whether there was one. */
async function measureNext() {
  const job = nextJob()
  if (!job) return false
  launcher.pause()
  const own = job.whos.filter(isOwn).map((who) => sideOf(job, who))
  for (const side of own) alive.add(side)
  await Promise.all(own.map((side) => side.start(60)))
  const result = await measure(job, [...peersOf(job), ...own])
  for (const side of own) side.end()
  launcher.resume()
  finished.add(job)
  if (result) {
    results.push(result)
    print(result)
  } else leftOut.push(job.title)
  write()
  tidy()
  lastMeasured = performance.now()
  return true
}

let lastMeasured = began
while (finished.size < jobs.length && left() > 3000) {
  if (await measureNext()) continue
  // What is not ready in two thirds of the time never will be.
  if (left() < 333 * Number(values.budget)) launcher.giveUp()
  await new Promise((resolve) => setTimeout(resolve, 100))
}
for (const job of jobs) if (!finished.has(job)) leftOut.push(job.title)
write()
for (const title of leftOut) console.log(`left out for want of time: ${title}`)
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s of ${values.budget}`)
process.exit(results.length > 0 ? 0 : 1)
