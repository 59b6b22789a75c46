// A process that does one thing many times and writes, as JSON, its resident memory along the way.
// Arguments: what to do (a key of `things`), how often, a folder to work in.
import { join } from 'node:path'
import { load, train } from '../../dist/index.js'
import { loadAddon } from '../../dist/native/load.js'
import { smallRun } from './small-run.mjs'

const [thing = '', times, folder = ''] = process.argv.slice(2)
const SAMPLES = 40

const options = {
  data: 'builtin:icons:8',
  out: join(folder, 'runs'),
  model: /** @type {const} */ ('diffusion'),
  size: 16,
  dim: 8,
  dimMults: [1, 2],
  timesteps: 20,
  batch: 4,
  threads: 1,
  previews: 0,
  device: /** @type {const} */ ('cpu'),
}

const aborted = (error) => {
  if (error.code !== 'ABORT_ERR') throw error
}

/**
 * Each makes ready, then gives what is done again and again.
 * @type {Record<string, () => Promise<() => Promise<unknown>>>}
 */
const things = {
  async load() {
    const { run } = await train({ ...options, maxImages: 4 })
    return async () => {
      const model = await load(run, { threads: 1 })
      await model.sample({ steps: 2 })
      model.dispose()
    }
  },
  // Nothing is disposed; the collector alone frees.
  async garbage() {
    const { run } = await train({ ...options, maxImages: 4 })
    return async () => {
      await (await load(run, { threads: 1 })).sample({ steps: 2 })
    }
  },
  async abortSample() {
    const model = await train({ ...options, maxImages: 4 })
    return async () => {
      const control = new AbortController()
      const sample = model.sample({ count: 4, signal: control.signal, onProgress: () => {} })
      setTimeout(() => control.abort(), 3)
      await sample.then(() => {}, aborted)
    }
  },
  async abortRun() {
    return async () => {
      const control = new AbortController()
      const run = train({ ...options, out: join(folder, 'aborted'), maxImages: 1e9, signal: control.signal })
      for await (const _ of run) break
      control.abort()
      await run.then(() => {}, aborted)
    }
  },
  async sampleStep() {
    const { trainer } = await smallRun(await loadAddon())
    const generator = await trainer.inferenceModel('ema')
    const begin = () => generator.sampler({ seeds: [1], steps: 50, sampler: 'ddim', eta: 0, batch: 1 })
    let sampler = await begin()
    return async () => {
      if (!(await sampler.step())) return
      sampler.dispose()
      sampler = await begin()
    }
  },
  async trainStep() {
    const { step } = await smallRun(await loadAddon())
    return () => step(1)
  },
}

const make = things[thing]
if (!make) throw new Error(`nothing is called ${thing}`)
const once = await make()
const addon = await loadAddon()
const rss = []
const every = Math.ceil(Number(times) / SAMPLES)
for (let i = 1; i <= Number(times); i++) {
  await once()
  if (i % every !== 0) continue
  globalThis.gc?.()
  // Finalizers run in a turn after the collector's, and the device thread frees in the order it is asked to.
  await new Promise((resolve) => setImmediate(resolve))
  await addon.info()
  rss.push(process.memoryUsage.rss())
}
console.log(JSON.stringify(rss))
