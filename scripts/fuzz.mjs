// `npm run fuzz [-- --runs N --seed S --target NAME --case K]`: mutated files for every parser of lib/, each parser in
// a process of its own, so that a crash, a hang and a lack of memory are findings too. Needs dist/.
import { fork } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { caseOf, fuzz } from './lib/fuzz.mjs'
import { makeTargets, moduleNames } from './lib/fuzz-targets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A parser that is silent for this long hangs. */
const SILENCE_MS = 300_000
/** Enough for a parser that keeps its promise, and little enough that one that does not is seen. */
const HEAP_MB = 128

async function load() {
  const modules = await Promise.all(moduleNames.map((name) => import(`../dist/${name}.js`)))
  const { ShinsakuError } = await import('../dist/errors.js')
  return { targets: makeTargets(Object.assign({}, ...modules)), isExpected: (e) => e instanceof ShinsakuError }
}

/** One target, in a child: the number of the case is written down before it is run. */
async function child({ folder, name, runs, seed }) {
  const { targets, isExpected } = await load()
  const place = openSync(join(folder, 'number'), 'w')
  let told = 0
  const onCase = (number) => {
    writeSync(place, String(number).padEnd(12), 0)
    if (performance.now() - told < 1000) return
    told = performance.now()
    process.send({ number })
  }
  const target = targets.find((target) => target.name === name)
  process.send({ report: await fuzz(target, { runs, seed, isExpected, onCase }) })
  closeSync(place)
}

/** Runs a target in a child; a child that ends without a report is a finding. */
function runTarget(name, { runs, seed }) {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-fuzz-'))
  const started = performance.now()
  return new Promise((resolve) => {
    const process_ = fork(fileURLToPath(import.meta.url), ['--child', JSON.stringify({ folder, name, runs, seed })], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
    })
    let report
    let watch
    const rest = () => {
      clearTimeout(watch)
      watch = setTimeout(() => process_.kill('SIGKILL'), SILENCE_MS)
    }
    rest()
    process_.on('message', (message) => {
      rest()
      report = message.report ?? report
    })
    process_.on('close', (code, signal) => {
      clearTimeout(watch)
      const place = join(folder, 'number')
      const number = existsSync(place) ? Number(readFileSync(place, 'utf8')) : 0
      rmSync(folder, { recursive: true, force: true })
      const lost = {
        target: name,
        seed,
        number,
        problem: `the process ended (${signal ?? code}): crash, hang or memory`,
      }
      report ??= { target: name, runs: number + 1, accepted: 0, slowestMs: 0, mostExtraBytes: 0, findings: [lost] }
      resolve({ ...report, seconds: (performance.now() - started) / 1000 })
    })
  })
}

async function main() {
  const { values } = parseArgs({
    options: {
      child: { type: 'string' },
      runs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
      case: { type: 'string' },
    },
  })
  if (values.child) return child(JSON.parse(values.child))
  const { targets } = await load()
  const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target)
  const [runs, seed] = [Number(values.runs), Number(values.seed)]
  if (values.case !== undefined) process.stdout.write(caseOf(chosen[0], seed, Number(values.case)))
  else {
    const reports = []
    for (const { name } of chosen) {
      reports.push(await runTarget(name, { runs, seed }))
      const { findings, ...counts } = reports.at(-1)
      console.log(JSON.stringify({ ...counts, findings: findings.length }))
      for (const finding of findings) console.log(JSON.stringify(finding))
    }
    if (values.target === undefined) await record(reports, runs, seed)
    if (reports.some(({ findings }) => findings.length > 0)) process.exitCode = 1
  }
}

async function record(reports, runs, seed) {
  const { writeSection } = await import('./reliability.mjs')
  writeSection(root, 'fuzz', {
    title: 'Mutated files',
    command: `npm run fuzz -- --runs ${runs} --seed ${seed}`,
    rows: reports.map(({ target, runs, findings }) => ({
      what: `${target}: read or refused with a code, in bounded time and memory`,
      tried: runs,
      passed: runs - findings.length,
    })),
  })
}

await main()
