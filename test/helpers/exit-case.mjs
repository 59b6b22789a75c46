// A process (or worker) that trains for ever and ends in the way named by its last argument.
import { parentPort } from 'node:worker_threads'
import { loadAddon } from '../../dist/native/load.js'
import { placeOn, toSpec } from '../../dist/native/spec.js'
import { resolveTrain } from '../../dist/options/resolve.js'

const way = process.argv.at(-1)
const long = way === 'exit-long'
const size = long ? 64 : 16
const options = resolveTrain({ dim: long ? 64 : 8, dimMults: [1, 2], size, batch: long ? 16 : 4, timesteps: 50 })
const spec = toSpec(options, placeOn('cpu', { precision: 'fp32', exact: true }, []))
const addon = await loadAddon()
const images = await addon.images(new Uint8Array(16 * size * size * 3), [16, size, size, 3], 'cpu')
const trainer = await addon.trainer(spec, images)

const soon = (action) => setTimeout(action, 150)
const train = async () => {
  for (;;) await trainer.step(5)
}
const code = (name) => (error) => console.log(name, error.code)

switch (way) {
  case 'exit':
  case 'exit-7':
    train().catch(() => {})
    soon(() => process.exit(way === 'exit' ? 0 : 7))
    break
  case 'exit-long':
    trainer.step(50).catch(() => {})
    soon(() => {
      console.log(`exiting at ${Date.now()}`)
      process.exit(0)
    })
    break
  case 'throw':
    train().catch(() => {})
    soon(() => {
      throw new Error('on purpose')
    })
    break
  case 'end':
    await trainer.step(3)
    break
  case 'sampling': {
    const generator = await trainer.generator('ema')
    const sampler = await generator.sampler({ seeds: [1, 2, 3], steps: 50, sampler: 'ddim', eta: 0, batch: 1 })
    const draw = async () => {
      for (;;) await sampler.step()
    }
    draw().catch(() => {})
    soon(() => process.exit(0))
    break
  }
  case 'garbage':
    for (let i = 0; i < 30; i++)
      await (await trainer.generator('ema')).sampler({ seeds: [i], steps: 2, sampler: 'ddim', eta: 0, batch: 1 })
    globalThis.gc()
    trainer.step(5).catch(() => {})
    soon(() => process.exit(0))
    break
  case 'shutdown':
    trainer.step(1000).catch(code('running'))
    trainer.step(1).catch(code('queued'))
    soon(async () => {
      addon.shutdown()
      await trainer.step(1).catch(code('later'))
    })
    break
  case 'worker':
    train().catch(() => {})
    parentPort.postMessage('training')
    break
  default:
    throw new Error(`unknown way to end: ${way}`)
}
