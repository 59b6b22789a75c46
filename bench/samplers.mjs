#!/usr/bin/env node
// How far few-step pictures are from those of all steps. Prints a table; writes the data and the chart where asked.
//   node bench/samplers.mjs RUN [--weights raw] [--seed 1000] [--count 16] [--threads 2] [--json FILE] [--svg FILE]
//   node bench/samplers.mjs --from FILE,FILE [--json FILE] [--svg FILE]
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { samplerChart, samplerTable } from './samplers-chart.mjs'

const SAMPLERS = ['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddim']
const STEPS = [4, 5, 6, 8, 10, 15, 20, 50]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: 'ema' },
    seed: { type: 'string', default: '1000' },
    count: { type: 'string', default: '16' },
    threads: { type: 'string', default: '2' },
    json: { type: 'string' },
    svg: { type: 'string' },
    from: { type: 'string' },
  },
})

/** The generator of a run's averaged or latest weights, with what it was trained with. */
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
  const options = resolveTrain(await readConfig(run))
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
  await addon.setThreads(threads)
  const placement = placeOn('cpu', options, (await addon.info()).cpuOps)
  return { options, images: manifest.images, generator: await addon.generator(toSpec(options, placement), tensors) }
}

/** Pictures in [-1, 1], before they become pixels. */
async function draw(generator, seeds, sampler, steps) {
  const job = await generator.sampler({ seeds, batch: seeds.length, eta: 0, sampler, steps })
  while (!(await job.step()));
  const bytes = await job.values()
  job.dispose()
  return new Float32Array(bytes.slice().buffer).map((value) => Math.min(1, Math.max(-1, value)))
}

/** Root of the mean square of the differences, for each picture. */
function distances(drawn, reference, count) {
  const length = drawn.length / count
  return Array.from({ length: count }, (_, picture) => {
    let sum = 0
    for (let i = picture * length; i < (picture + 1) * length; i++) sum += (drawn[i] - reference[i]) ** 2
    return Number(Math.sqrt(sum / length).toPrecision(4))
  })
}

/** Data of one run with different seeds, measured apart. */
function merge([first, ...others]) {
  for (const other of others) {
    first.seeds.push(...other.seeds)
    for (const [i, row] of first.rows.entries()) row.rmse.push(...other.rows[i].rmse)
  }
  return first
}

async function measure(run, weights, seed, count, threads) {
  const { options, images, generator } = await openGenerator(run, weights, threads)
  const seeds = Array.from({ length: count }, (_, i) => seed + i)
  const { size, channels, variant, dim, dimMults, objective, schedule, timesteps } = options
  const reference = await draw(generator, seeds, 'ddim', timesteps)
  const rows = []
  for (const steps of STEPS) {
    for (const sampler of SAMPLERS) {
      const drawn = await draw(generator, seeds, sampler, steps)
      rows.push({ sampler, steps, rmse: distances(drawn, reference, count) })
      console.error(rows.at(-1))
    }
  }
  const model = { size, channels, variant, dim, dimMults, objective, schedule, timesteps, images, weights }
  return { model, reference: `DDIM with ${timesteps} steps`, seeds, rows }
}

const parts = values.from?.split(',').map((file) => JSON.parse(readFileSync(file, 'utf8')))
if (!parts && positionals.length !== 1) {
  console.error('Give a run folder, or --from with the data of an earlier call.')
  process.exit(2)
}
const data = parts
  ? merge(parts)
  : await measure(positionals[0], values.weights, Number(values.seed), Number(values.count), Number(values.threads))
if (values.json) writeFileSync(values.json, `${JSON.stringify(data)}\n`)
if (values.svg) writeFileSync(values.svg, samplerChart(data))
console.log(samplerTable(data))
