#!/usr/bin/env node
// Whether a run on a GPU is what it should be: the same seed twice gives the same bytes; losses of shinsaku and of the
// Python reference side by side, from the same weights, pictures, time steps and noise; samples of the GPU and of the CPU.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readFlags } from '../../scripts/flags.mjs'
import { exactLines } from './exact-lines.mjs'

/** @import { Spec } from '../../dist/native/addon.js' */
/** @import { NativeTrainer, Metrics } from '../../dist/native/addon.js' */
/** @import { Placement } from '../../dist/backend/placement.js' */
/** @import { Beside, Course, Exact } from '../page-cuda.mjs' */

const { values } = readFlags({
  command: 'node bench/gpu/exact.mjs',
  about: `The same seed twice on a GPU; losses beside those of Python (SHINSAKU_PYTHON); the GPU beside the CPU.
Writes exact.json and losses.csv.`,
  flags: {
    out: { value: 'FOLDER', default: '.', help: 'where results go' },
    rehearse: { help: 'in miniature, without a GPU' },
    updates: { value: 'N', default: '200', help: 'updates beside Python' },
    limit: { value: 'S', default: '600', help: 'Python is ended then; what it has is compared' },
  },
})
const { placeOn, toSpec } = await import('../../dist/backend/placement.js')
const { loadNative } = await import('../../dist/native/load.js')
const { resolveTrain } = await import('../../dist/options/resolve.js')
const { rehearse } = values
const place = rehearse ? 'cpu' : 'cuda:0'
const threads = rehearse ? 1 : 0
const PICTURES = 110
const { addon } = await loadNative()

const large = rehearse ? { size: 16, dim: 8, dimMults: [1, 2], batch: 4 } : { size: 128, dim: 64, batch: 16 }
const small = rehearse ? large : { size: 64, dim: 32, batch: 16 }
const dcgan = { model: 'dcgan', ...(rehearse ? { size: 32, width: 8, batch: 4 } : { size: 64, batch: 64 }) }

/** Smooth pictures, a little different from each other. @param {number} size */
function makePictures(size) {
  const pixels = new Uint8Array(PICTURES * size * size * 3)
  for (let i = 0; i < pixels.length; i++) {
    const [c, column, row, n] = [i % 3, Math.floor(i / 3), Math.floor(i / 3 / size), Math.floor(i / 3 / size / size)]
    const [x, y] = [column % size, row % size]
    pixels[i] = 128 + 100 * Math.sin(((x * (c + 1) + y * 2 + n * 7) / size) * 3 + n)
  }
  return pixels
}
/** @type {Map<number, Uint8Array>} */
const made = new Map()
/** @param {number} size */
function picturesOf(size) {
  const pictures = made.get(size) ?? makePictures(size)
  made.set(size, pictures)
  return pictures
}

/**
 * A trainer; `backend` has another ops set or a graph train.
 * @param {object} options
 * @param {Partial<Placement>} backend
 */
async function open(options, backend = {}) {
  const where = place
  const resolved = resolveTrain({ exact: true, deterministic: true, flip: false, threads, ...options })
  const shape = [PICTURES, resolved.size, resolved.size, 3]
  const images = await addon.images(picturesOf(resolved.size), shape, where)
  const trainer = await addon.trainer(toSpec(resolved, { ...placeOn(where, resolved, []), ...backend }), images)
  const close = () => {
    trainer.dispose()
    images.dispose()
  }
  return { trainer, close }
}

const digest = (/** @type {Uint8Array} */ bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** Digests of the tensors whose names begin so. @param {NativeTrainer} trainer @param {string} prefix */
async function digests(trainer, prefix) {
  const names = (await trainer.tensors()).map(({ name }) => name).filter((name) => name.startsWith(prefix))
  /** @type {Record<string, string>} */
  const found = {}
  for (const name of names.sort()) found[name] = digest(await trainer.tensor(name))
  return found
}

/** @param {object} options @param {number} updates */
async function runOurs(options, updates) {
  const { trainer, close } = await open(options)
  const metrics = await trainer.step(updates)
  const all = await digests(trainer, '')
  close()
  return { metrics, all }
}

/** The same seed twice. @param {string} name @param {object} options */
async function twice(name, options) {
  const [first, second] = [await runOurs(options, 20), await runOurs(options, 20)]
  const different = Object.keys(first.all).filter((tensor) => first.all[tensor] !== second.all[tensor])
  const same = different.length === 0 && JSON.stringify(first.metrics) === JSON.stringify(second.metrics)
  return { name, updates: 20, tensors: Object.keys(first.all).length, same, different: different.slice(0, 5) }
}

const cases = [
  { name: 'tf32', precision: 'tf32', updates: Number(values.updates), ...large },
  { name: 'fp32', precision: 'fp32', updates: 20, ...small },
  { name: 'bf16', precision: 'bf16', updates: Math.ceil(Number(values.updates) / 4), ...large },
]

/** @typedef {{ losses?: number[], weights?: Record<string, string>, problem?: string }} Reference */

/** The reference: deterministic, and twice as users run it, whose difference is what chance alone makes. */
async function runReference() {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-exact-'))
  for (const size of new Set(cases.map((one) => one.size))) writeFileSync(join(folder, `${size}.bin`), picturesOf(size))
  const of = (
    /** @type {typeof cases[number]} */ { dimMults = [1, 2, 4, 8], ...one },
    /** @type {boolean} */ deterministic,
  ) => {
    const pixels = join(folder, `${one.size}.bin`)
    const device = rehearse ? 'cpu' : 'cuda'
    return { ...one, dimMults, deterministic, variant: '2.3', seed: 3407, device, pixels }
  }
  const asked = cases.flatMap((one) => [of(one, true), of(one, false), of(one, false)])
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(asked))
  const result = join(folder, 'result.json')
  const env = { ...process.env, CUBLAS_WORKSPACE_CONFIG: ':4096:8', ...(rehearse && { OMP_NUM_THREADS: '1' }) }
  const program = process.env.SHINSAKU_PYTHON || 'python3'
  const script = join(import.meta.dirname, 'exact.py')
  await promisify(execFile)(program, [script, join(folder, 'cases.json'), result], {
    env,
    maxBuffer: 2 ** 26,
    timeout: 1000 * Number(values.limit),
    killSignal: 'SIGKILL',
  }).catch((error) =>
    console.log(`exact.py: ${error.killed ? `ended after ${values.limit} s` : error.stderr || error.message}`),
  )
  const { cases: found } = existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) : { cases: [] }
  return cases.map((_, i) => /** @type {Reference[]} */ (found.slice(3 * i, 3 * i + 3)))
}

/**
 * How far two courses of losses are apart.
 * @param {number[] | undefined} a
 * @param {number[] | undefined} b
 * @returns {Course}
 */
function apart(a, b) {
  if (!a || !b) return null
  const at = (/** @type {number} */ i) => b[i] ?? Number.NaN
  const relative = a.map((value, i) => Math.abs(value - at(i)) / Math.abs(at(i)))
  const first = a.findIndex((value, i) => Math.fround(value) !== Math.fround(at(i)))
  const mean = (/** @type {number[]} */ numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  const last = Math.ceil(a.length / 4)
  return {
    identical: first < 0,
    firstDifferent: first < 0 ? null : first + 1,
    largest: Math.max(...relative),
    means: [mean(a.slice(-last)), mean(b.slice(-last))],
  }
}

/** @param {unknown} error */
function problemOf(error) {
  const { code = '', message } = /** @type {Error & { code?: string }} */ (error)
  return `${code} ${message.split('\n')[0]}`
}

/**
 * Losses of the fastest backend, and what went wrong with it.
 * @param {object} options
 * @param {number} updates
 * @returns {Promise<{ losses?: number[] | undefined, problem?: string }>}
 */
async function fastLosses(options, updates) {
  if (rehearse) return { problem: 'no GPU' }
  try {
    const { trainer, close } = await open(
      { ...options, exact: false, deterministic: false },
      { ops: 'cuda', graph: true },
    )
    const { loss } = await trainer.step(updates)
    close()
    return { losses: loss }
  } catch (error) {
    return { problem: problemOf(error) }
  }
}

/** @param {Reference[][]} reference */
async function besideReference(reference) {
  /** @type {Beside[]} */
  const rows = []
  /** @type {[string, number[]][]} */
  const columns = []
  for (const [i, one] of cases.entries()) {
    const { name, updates, ...options } = one
    const { trainer, close } = await open(options)
    const { loss = [] } = await trainer.step(updates)
    const weights = await digests(trainer, 'model.')
    close()
    const fast = await fastLosses(options, updates)
    const [deterministic, plain, again] = reference[i] ?? []
    const same = Object.keys(weights).filter((tensor) => deterministic?.weights?.[tensor] === weights[tensor]).length
    const problem = deterministic?.problem ?? plain?.problem ?? (deterministic ? undefined : 'no result of Python')
    rows.push({
      name,
      ...options,
      updates,
      beside: apart(loss, deterministic?.losses),
      besidePlain: apart(loss, plain?.losses),
      plainTwice: apart(plain?.losses, again?.losses),
      fast: apart(fast.losses, plain?.losses),
      ...(fast.problem && { fastProblem: fast.problem }),
      weights: { of: Object.keys(weights).length, same },
      ...(problem && { problem }),
    })
    columns.push([`${name} shinsaku cuda graph`, fast.losses ?? []])
    columns.push([`${name} shinsaku`, loss], [`${name} python deterministic`, deterministic?.losses ?? []])
    columns.push([`${name} python`, plain?.losses ?? []], [`${name} python again`, again?.losses ?? []])
  }
  const longest = Math.max(...columns.map(([, numbers]) => numbers.length))
  const lines = Array.from({ length: longest }, (_, i) =>
    [i + 1, ...columns.map(([, numbers]) => numbers[i] ?? '')].join(','),
  )
  writeFileSync(
    join(values.out, 'losses.csv'),
    `${[['update', ...columns.map(([name]) => name)].join(','), ...lines].join('\n')}\n`,
  )
  return rows
}

const floats = (/** @type {Uint8Array} */ bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
const norm = (/** @type {Float32Array} */ numbers) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0))

/**
 * Samples of the same weights here and there, in fp32: ‖here - there‖ / ‖there‖.
 * @param {string} name
 * @param {object} options
 * @param {Spec} args
 */
async function besideCpu(name, options, args) {
  const { trainer, close } = await open({ ...options, precision: 'fp32' })
  await trainer.step(2)
  const infos = await trainer.tensors()
  const other = /^(ema|optimizer|progress|random|discriminator)\./
  const chosen = infos.filter((info) => !other.test(info.name))
  const weights = await Promise.all(chosen.map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))
  close()
  const sample = async (/** @type {Placement['device']} */ where) => {
    const resolved = resolveTrain({ exact: true, threads, ...options, precision: 'fp32' })
    const generator = await addon.inferenceModel(toSpec(resolved, placeOn(where, resolved, [])), weights)
    const sampler = await generator.sampler({ seeds: [1, 2], batch: 2, ...args })
    while (!(await sampler.step()));
    const sampled = floats(await sampler.values()).slice()
    sampler.dispose()
    generator.dispose()
    return sampled
  }
  const [here, there] = [await sample(place), await sample('cpu')]
  return { name, relative: norm(here.map((value, i) => value - (there[i] ?? Number.NaN))) / norm(there) }
}

/** @type {Exact & { date: string }} */
const report = {
  ...{ date: new Date().toISOString(), device: rehearse ? 'rehearsal' : 'cuda' },
  ...{ twice: [], beside: [], cpu: [], problems: [] },
}
const write = () => writeFileSync(join(values.out, 'exact.json'), `${JSON.stringify(report, null, 2)}\n`)
/** @param {string} name @param {() => Promise<unknown>} work */
async function attempt(name, work) {
  try {
    await work()
  } catch (error) {
    report.problems.push(`${name}: ${problemOf(error)}`)
  }
  write()
}

/** @type {Reference[][]} */
let reference = []
const python = attempt('python', async () => {
  reference = await runReference()
})
for (const precision of ['fp32', 'tf32', 'bf16']) {
  for (const [name, options] of Object.entries({
    'U-Net 2.3': small,
    'U-Net 0.26': { ...small, variant: '0.26' },
    dcgan,
  }))
    await attempt(`twice ${name}`, async () =>
      report.twice.push(await twice(`${name} ${precision}`, { ...options, precision })),
    )
}
await attempt('U-Net beside the CPU', async () =>
  report.cpu.push(await besideCpu('U-Net 2.3, DDIM 10', small, { steps: 10, sampler: 'ddim', eta: 0 })),
)
await attempt('DCGAN beside the CPU', async () =>
  report.cpu.push(await besideCpu('DCGAN', dcgan, { batchNorm: 'running' })),
)
await python
await attempt('beside', async () => {
  report.beside = await besideReference(reference)
})

for (const line of exactLines(report)) console.log(line)
process.exit(report.problems.length === 0 && report.twice.every(({ same }) => same) ? 0 : 1)
