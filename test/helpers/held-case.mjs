// A process that makes generators, draws with each, and writes as JSON how many bytes V8 was told of (`told`), how much
// resident memory grew by (`grown`), and how many bytes their weights alone are (`weights`).
import { loadAddon } from '../../dist/native/load.js'
import { smallRun } from './small-run.mjs'

const GENERATORS = 4

const addon = await loadAddon()
await addon.setThreads(1)
const { cpuOps } = await addon.info()
const { trainer } = await smallRun(addon, { dim: 64, dimMults: [1, 2, 4] }, cpuOps)
const weights = (await trainer.tensors())
  .filter(({ name }) => name.startsWith('ema.'))
  .reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0)

async function draw(generator) {
  const sampler = await generator.sampler({ seeds: [1], steps: 1, sampler: 'ddim', eta: 0, batch: 1 })
  while (!(await sampler.step()));
  sampler.dispose()
}

function measure() {
  globalThis.gc()
  const { external, rss } = process.memoryUsage()
  return { external, rss }
}

// What a process allocates once is there after the first.
const made = [await trainer.generator('ema')]
await draw(made[0])
const before = measure()
let told = 0
for (let i = 0; i < GENERATORS; i++) {
  const { external } = process.memoryUsage()
  made.push(await trainer.generator('ema'))
  told += process.memoryUsage().external - external
  await draw(made.at(-1))
}
const { rss } = measure()
console.log(JSON.stringify({ told, grown: rss - before.rss, weights: GENERATORS * weights }))
for (const generator of made) generator.dispose()
trainer.dispose()
