// The project's own side of the benchmark: the trainer and the sampler that train() and sample() use. Training is driven as
// lib/train does it: units of about a tenth of a second, two of them in flight.
import { placeOn, toSpec } from '../dist/backend/placement.js'
import { selectBackend } from '../dist/backend/select.js'
import { loadNative } from '../dist/native/load.js'
import { resolveTrain } from '../dist/options/resolve.js'
import { UnitSizer } from '../dist/train/unit-sizer.js'
import { ISAS } from './flags.mjs'
import { serve } from './serve.mjs'

/** @import { Placement } from '../dist/backend/placement.js' */
/** @import { NativeSampler, Spec } from '../dist/native/addon.js' */
/** @import { SideSettings } from './side.mjs' */

const settings = /** @type {SideSettings} */ (JSON.parse(process.argv[2] ?? '{}'))
const { who, model, works, batch, size, threads, seed, precision, isa } = settings
const PICTURES = 128

const native = await loadNative()
const { addon } = native
const place = settings.device === 'cpu' ? 'cpu' : 'cuda:0'
const { variant, dim, dimMults, width, widths, latent } = settings
/** @type {import('../dist/options/types.js').TrainOptions} */
const network =
  model === 'dcgan'
    ? { model, width, latent }
    : model === 'stylegan2'
      ? {
          model,
          ...(width !== undefined && { channelBase: 16 * width, channelMax: width }),
          latent,
          augment: 'diffaugment',
          flip: false,
        }
      : model === 'pgan'
        ? // Fully grown from its second update on.
          { model, widths, latent, scaleImages: 1, fadeImages: 0, flip: false }
        : { model: 'diffusion', variant: variant === '0.26' ? '0.26' : '2.3', dim, dimMults }
const exact = who === 'shinsaku-exact'
/** @type {Placement['precision']} */
const products = precision === 'tf32' || precision === 'bf16' ? precision : 'fp32'
const options = resolveTrain({ ...network, size, batch, seed, precision: products, exact, threads, previews: 0 })
const { cpuOps } = await addon.info()
const set = who === 'shinsaku-avx2' ? 'cpu-avx2' : isa && ISAS[isa]?.ops
const planned = placeOn(place, options, set ? [set] : cpuOps)

/**
 * `shinsaku` computes as it chooses itself; on a GPU `shinsaku-OPS` and `shinsaku-OPS-graph` as the name says. A rehearsal
 * without a GPU has neither CUDA's operations nor graphs.
 * @returns {Promise<Placement>}
 */
async function choose() {
  const [, ops, graph] = who.split('-')
  if (place !== 'cpu' && ops) return { ...planned, ops, graph: graph === 'graph', samplingOps: ops }
  return selectBackend(native, options, planned, (line) => console.error(line))
}
const placement = await choose()
const pictures = Math.max(PICTURES, 16 * batch)
const pixels = new Uint8Array(pictures * size * size * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
const images = await addon.images(pixels, [pictures, size, size, 3], place)
const trainer = await addon.trainer(toSpec(options, placement), images)

let secondsPerUpdate = 0.05

/** @param {number} count */
async function train(count) {
  const sizer = new UnitSizer(1)
  sizer.record(1, secondsPerUpdate)
  const inFlight = []
  let left = count
  let last = performance.now()
  while (left > 0 || inFlight.length > 0) {
    while (left > 0 && inFlight.length < 2) {
      const updates = Math.min(left, sizer.next(0, left, 0))
      inFlight.push({ updates, done: trainer.step(updates) })
      left -= updates
    }
    const unit = inFlight.shift()
    if (!unit) break
    await unit.done
    const now = performance.now()
    secondsPerUpdate = (now - last) / 1000 / unit.updates
    sizer.record(unit.updates, (now - last) / 1000)
    last = now
  }
}

const seeds = Array.from({ length: batch }, (_, i) => i)
// Its first update is still at 4 px.
if (model === 'pgan') await trainer.step(2)
const generator = works.includes('forward') ? await trainer.inferenceModel('raw') : undefined

/** @param {Spec} args */
async function begin(args) {
  if (!generator) throw new Error('this side has no forward')
  return generator.sampler({ seeds, batch, ...args })
}

/** @type {NativeSampler | undefined} */
let denoising
/** Usual sampling options of models of one pass. @type {Record<'dcgan' | 'stylegan2' | 'pgan', Spec>} */
const usual = {
  dcgan: { batchNorm: 'running' },
  stylegan2: { truncation: 1, noise: 'const', latents: 'torch' },
  pgan: { stretch: false },
}
/** A denoising step, which is one evaluation of the network and the sampler's arithmetic; or a batch of a generator's pictures. */
async function forward(/** @type {number} */ count) {
  for (let i = 0; i < count; i++) {
    if (model !== 'unet') {
      const sampler = await begin(usual[model])
      while (!(await sampler.step()));
      sampler.dispose()
    } else {
      denoising ??= await begin({ steps: 1000, sampler: 'ddim', eta: 0 })
      if (await denoising.step()) denoising = undefined
    }
  }
}

const detail = Object.entries(placement).map(([name, value]) => `${name} ${value}`)
await serve(Object.fromEntries(works.map((name) => [name, { train, forward }[name]])), { detail: detail.join(', ') })
