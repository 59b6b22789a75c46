// The project's own side of the GPU benchmark; the same protocol as peer.py. Training is driven as lib/train does it:
// units of about a tenth of a second, two of them in flight.
import { createInterface } from 'node:readline'

const began = performance.now()
const { loadNative } = await import('../../dist/native/load.js')
const { placeOn, toSpec } = await import('../../dist/backend/placement.js')
const { resolveTrain } = await import('../../dist/options/resolve.js')
const { UnitSizer } = await import('../../dist/train/unit-sizer.js')

const { model, work, who, precision, batch, size, dim, dimMults, width, latent, seed, device, threads } = JSON.parse(
  process.argv[2],
)
const native = await loadNative()
const { addon } = native
await addon.setThreads(threads)
const place = device === 'cpu' ? 'cpu' : 'cuda:0'
const network = model === 'dcgan' ? { model, width, latent } : { model: 'diffusion', dim, dimMults }
const options = resolveTrain({ ...network, size, batch, seed, precision, previews: 0 })
const planned = placeOn(place, options, (await addon.info()).cpuOps)

/** `shinsaku` computes as it chooses itself, `shinsaku-OPS` and `shinsaku-OPS-graph` as the name says. */
async function choose() {
  const [, ops, graph] = who.split('-')
  if (ops) return { ...planned, ops, graph: graph === 'graph', samplingOps: ops }
  const { selectBackend } = await import('../../dist/backend/select.js')
  const { models } = await import('../../dist/models/table.js')
  const canReplay = models[options.model].canReplay(options)
  return selectBackend(native, { options, placement: planned, canReplay }, (line) => console.error(line))
}
const placement = await choose()
const pictures = 16 * batch
const pixels = new Uint8Array(pictures * size * size * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
const images = await addon.images(pixels, [pictures, size, size, 3], place)
const trainer = await addon.trainer(toSpec(options, placement), images)

async function train(count) {
  const pace = new UnitSizer(1)
  pace.record(1, unitSeconds)
  const flying = []
  let left = count
  let last = performance.now()
  while (left > 0 || flying.length > 0) {
    while (left > 0 && flying.length < 2) {
      const updates = Math.min(left, pace.next(0, left, 0))
      flying.push({ updates, done: trainer.step(updates) })
      left -= updates
    }
    const { updates, done } = flying.shift()
    await done
    const now = performance.now()
    pace.record(updates, (now - last) / 1000)
    unitSeconds = (now - last) / 1000 / updates
    last = now
  }
}
let unitSeconds = 0.05

let sampler
/** One denoising step: one evaluation of the network, and the sampler's arithmetic. */
async function forward(count) {
  const seeds = Array.from({ length: batch }, (_, i) => i)
  for (let i = 0; i < count; i++) {
    sampler ??= await generator.sampler({ seeds, steps: 1000, sampler: 'ddim', eta: 0, batch })
    if (await sampler.step()) sampler = undefined
  }
}
const generator = work === 'forward' ? await trainer.generator('raw') : undefined

const run = work === 'forward' ? forward : train
async function turn(warm, count) {
  await run(warm)
  const start = performance.now()
  await run(count)
  return { ms: performance.now() - start, reserved: null }
}

const built = performance.now()
await turn(3, 1)
const ready = performance.now()
const detail = Object.entries(placement).map(([name, value]) => `${name} ${value}`)
console.log(JSON.stringify({ ready: ready - began, firstSteps: ready - built, detail: detail.join(', ') }))
for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...numbers] = line.split(' ')
  console.log(JSON.stringify(word === 'turn' ? await turn(...numbers.map(Number)) : {}))
}
process.exit(0)
