#!/usr/bin/env node
// How far few-step pictures are from those of all steps: measures a run and writes docs/samplers.{json,svg,md}.
//   node scripts/samplers.mjs RUN [--weights raw] [--count 16] [--threads 2] [--json FILE]
// With --json only the data are written, to FILE. Without RUN the chart and the table are made of docs/samplers.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './bootstrap.mjs'
import { samplerChart, samplerTable } from './samplers-chart.mjs'

const SAMPLERS = ['unipc', 'dpmpp-2m', 'dpmpp-3m', 'ipndm', 'ddim']
const STEPS = [3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50]
const FIRST_SEED = 1000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: 'ema' },
    count: { type: 'string', default: '16' },
    threads: { type: 'string', default: '2' },
    json: { type: 'string' },
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
    import('../dist/native/spec.js'),
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
  const placement = placeOn('cpu', options.precision)
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

/** Root mean square over all pictures, and the median over pictures of each one's. */
function distance(drawn, reference, count) {
  const length = drawn.length / count
  const squares = Array.from({ length: count }, (_, picture) => {
    let sum = 0
    for (let i = picture * length; i < (picture + 1) * length; i++) sum += (drawn[i] - reference[i]) ** 2
    return sum / length
  })
  const sorted = squares.map(Math.sqrt).sort((a, b) => a - b)
  const half = count / 2
  const median = count % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2
  return { rmse: Math.sqrt(squares.reduce((a, b) => a + b) / count), median }
}

async function measure(run, weights, count, threads) {
  const { options, images, generator } = await openGenerator(run, weights, threads)
  const seeds = Array.from({ length: count }, (_, i) => FIRST_SEED + i)
  const { size, channels, unet, dim, dimMults, objective, schedule, timesteps } = options
  const reference = await draw(generator, seeds, 'ddim', timesteps)
  const rows = []
  for (const steps of STEPS) {
    for (const sampler of SAMPLERS) {
      const drawn = await draw(generator, seeds, sampler, steps)
      rows.push({ sampler, steps, ...distance(drawn, reference, count) })
      console.error(rows.at(-1))
    }
  }
  const model = { size, channels, unet, dim, dimMults, objective, schedule, timesteps, images, weights }
  return { model, reference: `ddim, ${timesteps} steps`, count, firstSeed: FIRST_SEED, rows }
}

const file = join(root, 'docs', 'samplers.json')
const [run] = positionals
const data = run
  ? await measure(run, values.weights, Number(values.count), Number(values.threads))
  : JSON.parse(readFileSync(file, 'utf8'))
const json = `${JSON.stringify(data, null, 1)}\n`
if (values.json) writeFileSync(values.json, json)
else {
  writeFileSync(file, json)
  writeFileSync(join(root, 'docs', 'samplers.svg'), samplerChart(data))
  const page = join(root, 'docs', 'samplers.md')
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '<!-- table:begin -->\n<!-- table:end -->\n'
  const [before, rest] = text.split('<!-- table:begin -->')
  writeFileSync(
    page,
    `${before}<!-- table:begin -->\n${samplerTable(data)}\n<!-- table:end -->${rest.split('<!-- table:end -->')[1]}`,
  )
}
