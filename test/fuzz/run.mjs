#!/usr/bin/env node
// `npm run fuzz`: mutated and dense files for every parser of lib/, each parser in a process of its own, so that a crash,
// a hang and a lack of memory are findings too.
import { fork } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags, refuse } from '../../scripts/flags.mjs'
import { caseOf, fuzz } from './fuzz.mjs'
import { makeTargets, moduleNames } from './fuzz-targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** A parser that is silent for this long hangs. */
const SILENCE_MS = 300_000
/** Enough for a parser that keeps its promise, and little enough that one that does not is seen. */
const HEAP_MB = 128
/** What Node, the parsers and their libraries take before they read anything, and 4 MiB that any file may take. */
const OWN_HEAP_MB = 24

async function load() {
  const modules = await Promise.all(moduleNames.map((name) => import(`../../dist/${name}.js`)))
  const { ShinsakuError } = await import('../../dist/errors.js')
  return { targets: makeTargets(Object.assign({}, ...modules)), isExpected: (e) => e instanceof ShinsakuError }
}

/** One file, whose length is what the heap is counted by: read or refused with a code. */
async function denseChild({ name, path }) {
  const { targets, isExpected } = await load()
  try {
    await targets.find((target) => target.name === name)?.parse(readFileSync(path))
  } catch (error) {
    if (!isExpected(error)) throw error
  }
}

/** How a child with this much heap ended, and the end of what it said. */
async function runDenseChild(given, megabytes) {
  const execArgv = [`--max-old-space-size=${megabytes}`, '--max-semi-space-size=1']
  const child = fork(fileURLToPath(import.meta.url), ['--child', JSON.stringify(given)], { execArgv, silent: true })
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
  })
  const [code, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)))
  return code === 0 ? '' : `ended with ${signal ?? code}: ${/^.*(?:memory|Error).*$/m.exec(said)?.[0] ?? said}`
}

/** Parses a target's dense files, each in a child whose heap is twice its length and what Node and the parsers need. */
async function runDense({ name, dense = () => [] }) {
  const findings = []
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-fuzz-'))
  const files = dense()
  for (const [number, file] of files.entries()) {
    const path = join(folder, 'file')
    writeFileSync(path, file)
    const problem = await runDenseChild({ name, path }, Math.ceil(OWN_HEAP_MB + (2 * file.length) / 2 ** 20))
    if (problem !== '') findings.push({ target: name, dense: number, bytes: file.length, problem })
  }
  rmSync(folder, { recursive: true })
  return { target: name, files: files.length, findings }
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
    process.send?.({ number })
  }
  const target = targets.find((target) => target.name === name)
  if (target) process.send?.({ report: await fuzz(target, { runs, seed, isExpected, onCase }) })
  closeSync(place)
}

/** What is known of a child that ended without a report: the case it was at, if it came to one. */
function lostReport(target, seed, folder, ended) {
  const place = join(folder, 'number')
  const text = existsSync(place) ? readFileSync(place, 'utf8').trim() : ''
  const number = text === '' ? -1 : Number(text)
  const problem = number < 0 ? `${ended} before its first case` : `${ended}: crash, hang or memory`
  const findings = [{ target, seed, number, problem }]
  return { target, runs: number + 1, accepted: 0, slowestMs: 0, mostExtraBytes: 0, findings }
}

/** Runs a target in a child; a child that ends without a report is a finding. */
function runTarget(name, { runs, seed }) {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-fuzz-'))
  const started = performance.now()
  return new Promise((resolve, reject) => {
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
    process_.on('message', (/** @type {{ report?: object }} */ message) => {
      rest()
      report = message.report ?? report
    })
    process_.on('error', reject)
    process_.on('close', (code, signal) => {
      clearTimeout(watch)
      report ??= lostReport(name, seed, folder, `the process ended (${signal ?? code})`)
      rmSync(folder, { recursive: true, force: true })
      resolve({ ...report, seconds: (performance.now() - started) / 1000 })
    })
  })
}

const reportFindings = (findings) => {
  for (const finding of findings) console.log(JSON.stringify(finding))
  if (findings.length > 0) process.exitCode = 1
}

/** Mutated files, then dense ones. */
async function runAll(targets, { runs, seed, onlyDense }) {
  const reports = []
  for (const target of targets) {
    const report = onlyDense ? { target: target.name, findings: [] } : await runTarget(target.name, { runs, seed })
    const dense = await runDense(target)
    reports.push({ ...report, dense })
    const { findings, ...counts } = report
    console.log(JSON.stringify({ ...counts, findings: findings.length, dense: dense.files }))
    reportFindings([...findings, ...dense.findings])
  }
  return reports
}

async function main() {
  const { values } = readFlags({
    command: 'npm run fuzz --',
    about: 'Mutated and dense files for every parser of lib/, each in a process of its own. Needs dist/.',
    flags: {
      runs: { value: 'N', default: '100000', help: 'mutated files for each parser' },
      seed: { value: 'S', default: '1', help: 'of the mutations' },
      target: { value: 'NAME', help: 'one parser' },
      case: { value: 'K', help: 'writes the bytes of one case to stdout' },
      dense: { help: 'only dense files: 5 MB of the smallest things that a format can name' },
      record: { help: 'makes the counts a section of docs/reliability.md' },
      child: { value: 'JSON', help: 'what the processes it starts are told' },
    },
  })
  const given = values.child && JSON.parse(values.child)
  if (given) return given.path ? denseChild(given) : child(given)
  const { targets } = await load()
  const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target)
  const [first] = chosen
  if (!first) refuse(`no parser is called ${values.target}; there are ${targets.map(({ name }) => name).join(', ')}`)
  const [runs, seed] = [Number(values.runs), Number(values.seed)]
  if (values.case !== undefined) process.stdout.write(caseOf(first, seed, Number(values.case)))
  else {
    const reports = await runAll(chosen, { runs, seed, onlyDense: values.dense })
    if (values.record && values.target === undefined && !values.dense) await record(reports, runs, seed)
  }
}

async function record(reports, runs, seed) {
  const { writeSection } = await import('../durability/report.mjs')
  /** @type {(what: string, tried: number, failed: number) => import('../durability/report.mjs').Tries} */
  const row = (what, tried, failed) => ({ what, tried, passed: Math.max(0, tried - failed) })
  const mutated = ({ target, runs, findings }) =>
    row(`${target}: read or refused with a code, in bounded time and memory`, runs, findings.length)
  const dense = ({ target, dense: { files, findings } }) =>
    row(`${target}: 5 MB of the smallest things it can name, in a heap of twice that`, files, findings.length)
  writeSection(root, 'fuzz', {
    title: 'Mutated files',
    command: `npm run fuzz -- --runs ${runs} --seed ${seed} --record`,
    rows: [...reports.map(mutated), ...reports.filter(({ dense: { files } }) => files > 0).map(dense)],
  })
}

await main()
