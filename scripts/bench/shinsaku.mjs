// The project's own side of the benchmark: does one piece of work for each line it reads, and answers with its time.
import { createInterface } from 'node:readline'

const { loadAddon } = await import('../../dist/native/load.js')
const { placeOn, toSpec } = await import('../../dist/native/spec.js')
const { resolveTrain } = await import('../../dist/options/resolve.js')

const { who, dim, dimMults, size, batch, threads, steps, unet } = JSON.parse(process.argv[2])
const addon = await loadAddon()
await addon.setThreads(threads)
const options = resolveTrain({ model: 'diffusion', unet, dim, dimMults, size, batch, emaDecay: null, previews: 0 })
const exact = who === 'shinsaku-reference'
const { cpuOps } = await addon.info()
const placement = placeOn('cpu', { precision: 'fp32', exact }, cpuOps)
const images = await addon.images(new Uint8Array(size * size * 3), [1, size, size, 3], 'cpu')
const trainer = await addon.trainer(toSpec(options, placement), images)

const began = performance.now()
const generator = await trainer.generator('raw')
const seeds = Array.from({ length: batch }, (_, i) => i)
const sampler = (count) => generator.sampler({ seeds, steps: count, sampler: 'ddim', eta: 0, batch })
const first = await sampler(1)
await first.step()
const ready = performance.now() - began

let forward = await sampler(1000)
const works = {
  // One denoising step: one evaluation of the network, and the sampler's arithmetic.
  async forward() {
    if (await forward.step()) forward = await sampler(1000)
  },
  async sample() {
    const drawn = await sampler(steps)
    while (!(await drawn.step()));
    drawn.dispose()
  },
}

console.log(JSON.stringify({ ready, detail: placement.samplingOps }))
for await (const line of createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await works[line]()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  console.log(JSON.stringify({ ms, cpu: (user + system) / 1000 }))
}
process.exit(0)
