// The project's own side of the benchmark: the trainer and the generator that train() and sample() use.

import { placeOn, toSpec } from '../dist/backend/placement.js'
import { loadAddon } from '../dist/native/load.js'
import { resolveTrain } from '../dist/options/resolve.js'
import { ISAS } from './flags.mjs'
import { serve } from './side.mjs'

const { who, group, works, variant, dim, dimMults, size, batch, threads, isa } = JSON.parse(process.argv[2])
const PICTURES = 128

const addon = await loadAddon()
await addon.setThreads(threads)
const exact = who === 'shinsaku-exact'
const shape = { size, batch, previews: 0, exact }
const options = resolveTrain(
  group === 'dcgan' ? { model: 'dcgan', ...shape } : { model: 'diffusion', variant, dim, dimMults, ...shape },
)
const { cpuOps } = await addon.info()
const set = who === 'shinsaku-avx2' ? 'cpu-avx2' : ISAS[isa]?.ops
const placement = placeOn('cpu', options, set ? [set] : cpuOps)
const pixels = new Uint8Array(PICTURES * size * size * 3).map(() => Math.random() * 256)
const images = await addon.images(pixels, [PICTURES, size, size, 3], 'cpu')
const trainer = await addon.trainer(toSpec(options, placement), images)

const seeds = Array.from({ length: batch }, (_, i) => i)
let generator
const sampler = async (args) => {
  generator ??= await trainer.generator('raw')
  return generator.sampler({ seeds, batch, ...args })
}

let denoising
const all = {
  /** One denoising step: one evaluation of the network, and the sampler's arithmetic. */
  async forward() {
    denoising ??= await sampler({ steps: 1000, sampler: 'ddim', eta: 0 })
    if (await denoising.step()) denoising = undefined
  },
  train: () => trainer.step(1),
  'dcgan-train': () => trainer.step(1),
  async 'dcgan-draw'() {
    const drawn = await sampler({ batchNorm: 'running' })
    while (!(await drawn.step()));
    drawn.dispose()
  },
}

const { ops, samplingOps } = placement
const detail = works[0].endsWith('train') ? ops : samplingOps
await serve(Object.fromEntries(works.map((name) => [name, all[name]])), { detail })
