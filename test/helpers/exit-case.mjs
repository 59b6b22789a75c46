// A process (or worker) that is busy and ends in the way named by its last argument.
import { fileURLToPath } from 'node:url'
import { parentPort, Worker } from 'node:worker_threads'
import { loadAddon } from '../../dist/native/load.js'
import { smallRun } from './small-run.mjs'

const way = process.argv.at(-1) ?? ''

/** A trainer of a small network, or of one whose update takes a second or more. */
async function makeTrainer(long = false) {
  const addon = await loadAddon()
  return { addon, ...(await smallRun(addon, long ? { dim: 64, size: 64, batch: 4 } : {})) }
}

const sampling = (seeds, steps) => ({ seeds, steps, sampler: 'ddim', eta: 0, batch: seeds.length })
const soon = (action) => setTimeout(action, 150)
const forever = async (work) => {
  for (;;) await work()
}

/** Trains until this thread ends. */
async function train() {
  const { trainer } = await makeTrainer()
  forever(() => trainer.step(5)).catch(() => {})
}

/** Workers that train, once all of them do. */
async function startWorkers(count) {
  const workers = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url), { argv: ['worker'] }))
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
  return workers
}

/** How a worker ends that is started with `name`: its exit code, and its error if there is one. */
async function endOfWorker(name) {
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: [name] })
  let error = 'no error'
  worker.on('error', ({ message }) => {
    error = message
  })
  const code = await new Promise((resolve) => worker.on('exit', resolve))
  console.log(`${name}: code ${code}, ${error}`)
}

/** @type {Record<string, () => Promise<void>>} */
const endings = {
  async exit() {
    await train()
    soon(() => process.exit(0))
  },
  async 'exit-7'() {
    await train()
    soon(() => process.exit(7))
  },
  async 'exit-long'() {
    const { trainer } = await makeTrainer(true)
    const begun = Date.now()
    await trainer.step(1)
    console.log(`an update takes ${Date.now() - begun}`)
    trainer.step(50).catch(() => {})
    soon(() => {
      console.log(`exiting at ${Date.now()}`)
      process.exit(0)
    })
  },
  async throw() {
    await train()
    soon(() => {
      throw new Error('on purpose')
    })
  },
  async rejection() {
    await train()
    soon(() => Promise.reject(new Error('on purpose')))
  },
  // Two that the parent ends, by a signal.
  async signal() {
    await train()
    console.log('training')
  },
  async 'signal-handled'() {
    process.on('SIGTERM', () => process.exit(3))
    await train()
    console.log('training')
  },
  async end() {
    const { trainer } = await makeTrainer()
    await trainer.step(3)
  },
  async sampling() {
    const { trainer } = await makeTrainer()
    const sampler = await (await trainer.inferenceModel('ema')).sampler(sampling([1, 2, 3], 50))
    forever(() => sampler.step()).catch(() => {})
    soon(() => process.exit(0))
  },
  async garbage() {
    const { trainer } = await makeTrainer()
    for (let i = 0; i < 30; i++) await (await trainer.inferenceModel('ema')).sampler(sampling([i], 2))
    globalThis.gc?.()
    trainer.step(5).catch(() => {})
    soon(() => process.exit(0))
  },
  async shutdown() {
    const code = (name) => (error) => console.log(name, error.code)
    const { addon, trainer } = await makeTrainer()
    trainer.step(1000).catch(code('running'))
    trainer.step(1).catch(code('queued'))
    soon(async () => {
      addon.shutdown()
      await trainer.step(1).catch(code('later'))
      await (await loadAddon()).info().catch(code('loaded again'))
    })
  },
  // What a worker runs.
  async worker() {
    await train()
    parentPort?.postMessage('training')
  },
  async 'worker-throw'() {
    await train()
    soon(() => {
      throw new Error('on purpose')
    })
  },
  async 'worker-exit'() {
    await train()
    soon(() => process.exit(3))
  },
  async 'worker-end'() {
    const { trainer } = await makeTrainer()
    await trainer.step(3)
  },
  // What owns workers.
  async 'exit-over-workers'() {
    await startWorkers(2)
    soon(() => process.exit(5)) // this thread has not loaded the addon
  },
  async 'exit-beside-workers'() {
    await train()
    await startWorkers(2)
    soon(() => process.exit(6))
  },
  async 'workers-end'() {
    for (const name of ['worker-throw', 'worker-exit', 'worker-end']) await endOfWorker(name)
    const { trainer } = await makeTrainer()
    await trainer.step(1)
  },
}

const end = endings[way]
if (!end) throw new Error(`unknown way to end: ${way}`)
await end()
