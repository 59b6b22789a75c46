// The one writer of the benchmarks' pages: docs/benchmarks.md and its chart of docs/benchmarks.json, and
// docs/benchmarks-gpu.md, where what is measured on a GPU is put before what was measured earlier.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart } from './chart.mjs'
import { cpuPage } from './page-cpu.mjs'
import { cudaPage } from './page-cuda.mjs'

/** @import { Described } from './machine.mjs' */
/** @import { CudaResult } from './page-cuda.mjs' */
/** @import { Row } from './rows.mjs' */

/**
 * What one kind of machine measured; `others` are further kinds.
 * @typedef {Omit<Described, 'date'>} CpuMachine
 * @typedef {{ machine: CpuMachine, rows: Row[] }} CpuResult
 * @typedef {CpuResult & { others?: CpuResult[] }} CpuData
 */

const docs = (/** @type {string} */ name) => join(import.meta.dirname, '..', 'docs', name)

/** @param {CpuMachine} machine @returns {CpuMachine} */
const pick = ({ processor, threads, versions, note }) => ({ processor, threads, versions, note })

/**
 * Rows of a work that was measured again replace its earlier ones.
 * @param {CpuResult | undefined} old
 * @param {Row[]} rows
 * @param {CpuMachine} machine
 * @returns {CpuResult}
 */
function renewed(old, rows, machine) {
  const again = new Set(rows.map(({ work }) => work))
  return {
    machine: pick({ ...machine, note: machine.note ?? old?.machine.note }),
    rows: [...(old?.rows ?? []).filter(({ work }) => !again.has(work)), ...rows],
  }
}

/**
 * The data with these rows in it. The page is the first machine's; what another kind of processor measured follows it.
 * @param {CpuData | undefined} data
 * @param {Row[]} rows
 * @param {CpuMachine} machine
 * @returns {CpuData}
 */
export function withRows(data, rows, machine) {
  if (!data) return renewed(undefined, rows, machine)
  const { others = [], ...first } = data
  const isHere = (/** @type {CpuResult} */ one) => one.machine.processor === machine.processor
  if (isHere(first)) return { ...renewed(first, rows, machine), others }
  const renewedOther = renewed(others.find(isHere), rows, machine)
  return { ...first, others: [...others.filter((one) => !isHere(one)), renewedOther] }
}

/**
 * Puts rows into the data, and makes the page and its chart of it.
 * @param {Row[]} rows
 * @param {CpuMachine} machine
 */
export function writeDocs(rows, machine) {
  const file = docs('benchmarks.json')
  const data = withRows(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined, rows, machine)
  writeFileSync(file, `${JSON.stringify(data, null, 1)}\n`)
  for (const [name, text] of Object.entries(cpuDocs(data))) writeFileSync(docs(name), text)
}

/** What is made of docs/benchmarks.json: file in docs/ -> text. @param {CpuData} data */
export const cpuDocs = (data) => ({
  'benchmarks.md': `${cpuPage(data).trimEnd()}\n`,
  'benchmarks.svg': chart(data.rows),
})

/**
 * What a GPU measured: a file of --json, or a folder of bench/gpu/run.sh with all that it found.
 * @param {string} path
 * @returns {CudaResult}
 */
export function readCudaResults(path) {
  if (!statSync(path).isDirectory()) return { bench: JSON.parse(readFileSync(path, 'utf8')) }
  const text = (/** @type {string} */ name) => {
    const file = join(path, name)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }
  const json = (/** @type {string} */ name) => JSON.parse(text(name) ?? 'null') ?? undefined
  return {
    machine: json('machine.json'),
    bench: json('bench.json'),
    exact: json('exact.json'),
    doctor: text('doctor.log'),
  }
}

/** @param {CudaResult[]} results */
export function writeCudaDocs(results, file = docs('benchmarks-gpu.md')) {
  const page = cudaPage(results, existsSync(file) ? readFileSync(file, 'utf8') : '')
  writeFileSync(file, page)
  console.log(`${file}: ${page.split('\n').length} lines`)
}
