#!/usr/bin/env node
// How long it takes to measure pictures that are there, and how much memory rows of features take.
import { availableParallelism, cpus } from 'node:os'
import { readFlags } from '../scripts/flags.mjs'

const { values } = readFlags({
  command: 'node bench/evaluate.mjs',
  about: `How long evaluate() takes once its pictures are sampled, with Inception of random weights, which take as long as
the real ones; or, with --rows, the memory of so many rows of features. Needs a build.`,
  flags: {
    count: { value: 'N', default: '1024', help: 'pictures measured' },
    reference: { value: 'N', default: '158', help: 'pictures that they are measured against' },
    size: { value: 'N', default: '128', help: 'pixels on a side' },
    threads: { value: 'N', default: String(availableParallelism()), help: 'CPU threads' },
    rows: { value: 'N', help: 'rows of 2,048 features, of which 4,096 are kept' },
  },
})

const { readFile } = await import('node:fs/promises')
const { loadAddon } = await import('../dist/native/load.js')
const { withThreads } = await import('../dist/native/with-threads.js')
const { finishMeasure } = await import('../dist/evaluate/finish-measure.js')
const [count, references, size, threads] = [
  Number(values.count),
  Number(values.reference),
  Number(values.size),
  Number(values.threads),
]
const WIDTH = 2048
const KEPT = 4096
const ROWS_AT_ONCE = 256

const raw = await loadAddon()
const { cpuCapability } = await raw.info()
const addon = withThreads(raw, threads)
console.log(`${cpus()[0]?.model} (${cpuCapability}), ${threads} threads`)

/** Numbers in [-0.5, 0.5). @param {number} length */
function random(length) {
  const numbers = new Float32Array(length)
  for (let i = 0; i < length; i++) numbers[i] = Math.random() - 0.5
  return numbers
}

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6)

/** Weights of a scale that keeps features finite. */
async function inception() {
  const golden = JSON.parse(await readFile(new URL('../test/golden/metrics.json', import.meta.url), 'utf8'))
  /** @type {{ layers: [string, string, number[]][] }} */
  const { layers } = golden.networks.find((/** @type {{ network: string }} */ { network }) => network === 'inception')
  /** @param {string} name @param {number[]} shape @param {(value: number) => number} form */
  const tensor = (name, shape, form) => {
    const numbers = random(shape.reduce((a, b) => a * b)).map(form)
    return { name, dtype: 'F32', shape, bytes: new Uint8Array(numbers.buffer) }
  }
  return layers.flatMap(([conv, norm, shape]) => {
    const [channels = 0, ...fan] = shape
    const spread = Math.sqrt(24 / fan.reduce((a, b) => a * b))
    return [
      tensor(`${conv}.weight`, shape, (value) => value * spread),
      tensor(`${norm}.weight`, [channels], (value) => 1 + 0.2 * value),
      tensor(`${norm}.bias`, [channels], (value) => 0.2 * value),
      tensor(`${norm}.running_mean`, [channels], (value) => 0.2 * value),
      tensor(`${norm}.running_var`, [channels], (value) => 1 + 0.5 * value),
    ]
  })
}

async function timeEvaluation() {
  const { judge } = await import('../dist/evaluate/judge.js')
  const { loadDataset } = await import('../dist/data/dataset.js')
  const { resolveTrain } = await import('../dist/options/resolve.js')
  /** @param {number} pictures @param {number} seed */
  const icons = async (pictures, seed) => {
    const data = `builtin:icons:${pictures}:${seed}`
    return (await loadDataset(resolveTrain({ data, size, holdout: 0 }), {})).store
  }
  const [reference, samples] = [await icons(references, 1), await icons(count, 2)]
  const embedder = await addon.embedder({ network: 'inception', output: WIDTH, device: 'cpu' }, await inception())
  /** @type {Record<string, { wall: number, cpu: number }>} */
  const seconds = {}
  let phase = 'comparing pixels'
  let since = { wall: performance.now() / 1000, cpu: cpuSeconds() }
  /** @param {string} next */
  const enter = (next) => {
    const now = { wall: performance.now() / 1000, cpu: cpuSeconds() }
    const { wall, cpu } = seconds[phase] ?? { wall: 0, cpu: 0 }
    seconds[phase] = { wall: wall + now.wall - since.wall, cpu: cpu + now.cpu - since.cpu }
    phase = next
    since = now
  }
  const { features } = await judge(
    addon,
    {
      sets: { samples, reference, groups: Int32Array.from(Array(references).keys()), heldOut: null },
      extractor: { open: { embedder, width: WIDTH }, info: { name: 'inception', sha256: '', width: WIDTH } },
      statistics: null,
      kept: null,
      reference: 'icons',
      format: 'png',
      seed: 0,
    },
    { onProgress: (progress) => enter(progress.phase) },
  )
  enter('')
  features?.reference.native.dispose()
  for (const [name, { wall, cpu }] of Object.entries(seconds))
    console.log(`${name}: ${wall.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU`)
  console.log(`${count} pictures against ${references} at ${size} px; ${megabytes()} MB`)
}

/** @param {number} rows */
async function weighRows(rows) {
  const [a, b] = [await addon.features(WIDTH, KEPT), await addon.features(WIDTH, KEPT)]
  for (let done = 0; done < rows; done += ROWS_AT_ONCE) {
    for (const set of [a, b]) await set.append(random(ROWS_AT_ONCE * WIDTH))
    if (Math.log2(1 + done / ROWS_AT_ONCE) % 1 === 0) console.log(`${done + ROWS_AT_ONCE} rows: ${megabytes()} MB`)
  }
  await finishMeasure(await addon.frechetDistance(a, b))
  console.log(`${rows} rows of both sets, and FID: ${megabytes()} MB`)
}

await (values.rows === undefined ? timeEvaluation() : weighRows(Number(values.rows)))
