#!/usr/bin/env node
// How far few-step pictures are from those of all steps: a table, and where asked the data and the chart of docs/samplers.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { readFlags, refuse } from '../scripts/flags.mjs'
import { samplerChart, samplerTable } from './samplers-chart.mjs'

/** @import { NativeInferenceModel } from '../dist/native/addon.js' */
/** @import { SamplerData } from './samplers-chart.mjs' */

const SAMPLERS = ['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddim']
const STEPS = [4, 5, 6, 8, 10, 15, 20, 50]

const { values, words } = readFlags({
  command: 'node bench/samplers.mjs',
  words: 'RUN',
  about: 'How far few-step pictures of a run are from those of all steps. Needs a build.',
  flags: {
    weights: { value: 'ema|raw', default: 'ema', help: 'the averaged weights or the latest' },
    seed: { value: 'N', default: '1000', help: 'of the first picture' },
    count: { value: 'N', default: '16', help: 'pictures' },
    threads: { value: 'N', default: '2', help: 'of the processor' },
    json: { value: 'FILE', help: 'writes the data' },
    svg: { value: 'FILE', help: 'writes the chart' },
    from: { value: 'FILE,FILE', help: 'takes the data of earlier calls instead of a run' },
  },
})

/**
 * The network with a run's averaged or latest weights, and what it was trained with.
 * @param {string} run
 * @param {string} weights
 * @param {number} threads
 */
async function openGenerator(run, weights, threads) {
  const [
    { newestValidCheckpoint },
    { readCheckpoint },
    { loadAddon },
    { placeOn, toSpec },
    { resolveTrain },
    { readConfig },
  ] = await Promise.all([
    import('../dist/checkpoint/find.js'),
    import('../dist/checkpoint/read.js'),
    import('../dist/native/load.js'),
    import('../dist/backend/placement.js'),
    import('../dist/options/resolve.js'),
    import('../dist/run/directory.js'),
  ])
  const options = resolveTrain({ ...(await readConfig(run)), threads })
  const { folder, manifest } = await newestValidCheckpoint(run)
  const checkpoint = await readCheckpoint(folder, manifest)
  const tensors = []
  for (const info of checkpoint.model.tensors) {
    const averaged = info.name.startsWith('ema.')
    if (averaged !== (weights === 'ema') || /^ema\.(step|initted)$/.test(info.name)) continue
    const name = averaged ? info.name.slice('ema.'.length) : info.name
    tensors.push({ ...info, name, bytes: await checkpoint.model.read(info.name) })
  }
  await checkpoint.close()
  const addon = await loadAddon()
  const placement = placeOn('cpu', options, (await addon.info()).cpuOps)
  return {
    options,
    images: manifest.images,
    generator: await addon.inferenceModel(toSpec(options, placement), tensors),
  }
}

/**
 * Pictures in [-1, 1], before they become pixels.
 * @param {NativeInferenceModel} generator
 * @param {number[]} seeds
 * @param {string} sampler
 * @param {number} steps
 */
async function sample(generator, seeds, sampler, steps) {
  const job = await generator.sampler({ seeds, batch: seeds.length, eta: 0, sampler, steps })
  while (!(await job.step()));
  const bytes = await job.values()
  job.dispose()
  return new Float32Array(bytes.slice().buffer).map((value) => Math.min(1, Math.max(-1, value)))
}

/**
 * Root of the mean square of the differences, for each picture.
 * @param {Float32Array} sampled
 * @param {Float32Array} reference
 * @param {number} count
 */
function distances(sampled, reference, count) {
  const length = sampled.length / count
  return Array.from({ length: count }, (_, picture) => {
    let sum = 0
    for (let i = picture * length; i < (picture + 1) * length; i++)
      sum += ((sampled[i] ?? 0) - (reference[i] ?? 0)) ** 2
    return Number(Math.sqrt(sum / length).toPrecision(4))
  })
}

/** Data of one run with different seeds, measured apart. @param {SamplerData[]} parts */
function merge([first, ...others]) {
  if (!first) return refuse('--from names no file')
  for (const other of others) {
    first.seeds.push(...other.seeds)
    for (const [i, row] of first.rows.entries()) row.rmse.push(...(other.rows[i]?.rmse ?? []))
  }
  return first
}

/**
 * @param {string} run
 * @param {string} weights
 * @param {number} seed
 * @param {number} count
 * @param {number} threads
 * @returns {Promise<SamplerData>}
 */
async function measure(run, weights, seed, count, threads) {
  const { options, images, generator } = await openGenerator(run, weights, threads)
  const seeds = Array.from({ length: count }, (_, i) => seed + i)
  const { size, channels, variant, dim, dimMults, objective, schedule, timesteps } = options
  const reference = await sample(generator, seeds, 'ddim', timesteps ?? 1000)
  const rows = []
  for (const steps of STEPS) {
    for (const sampler of SAMPLERS) {
      const sampled = await sample(generator, seeds, sampler, steps)
      rows.push({ sampler, steps, rmse: distances(sampled, reference, count) })
      console.error(rows.at(-1))
    }
  }
  const model = { size, channels, variant, dim, dimMults, objective, schedule, timesteps, images, weights }
  return { model, reference: `DDIM with ${timesteps} steps`, seeds, rows }
}

const parts = values.from?.split(',').map((file) => JSON.parse(readFileSync(file, 'utf8')))
const [run] = words
if (!parts && (words.length !== 1 || !run)) refuse('give a run folder, or --from with the data of an earlier call')
const { weights, seed, count, threads } = values
const data = parts ? merge(parts) : await measure(run ?? '', weights, Number(seed), Number(count), Number(threads))
if (values.json) writeFileSync(values.json, `${JSON.stringify(data)}\n`)
if (values.svg) writeFileSync(values.svg, samplerChart(data))
console.log(samplerTable(data))
