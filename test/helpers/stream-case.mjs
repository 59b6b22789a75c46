// A process that samples many pictures without keeping them and writes, as JSON, its resident memory along the way.
// Arguments: how (a key of `forms`), how many pictures, their side, a folder to work in.
import { join } from 'node:path'
import { train } from '../../dist/index.js'

/** @import { SampleJob } from '../../dist/index.js' */

const [form = '', count, size, folder = ''] = process.argv.slice(2)

const model = await train({
  data: 'builtin:icons:8',
  out: join(folder, 'runs'),
  model: 'dcgan',
  size: Number(size),
  width: 2,
  latent: 4,
  batch: 4,
  threads: 1,
  previews: 0,
  device: 'cpu',
  maxImages: 4,
})

const forms = {
  save: (/** @type {SampleJob} */ job, /** @type {string} */ place) => job.save(place),
  grid: (/** @type {SampleJob} */ job, /** @type {string} */ place) => job.grid(`${place}.png`),
  both: (/** @type {SampleJob} */ job, /** @type {string} */ place) => job.save(place, { grid: `${place}.png` }),
  async iterate(/** @type {SampleJob} */ job) {
    for await (const picture of job) await picture.encode()
  },
  // Holds them all, as a measure of the measure.
  all: async (/** @type {SampleJob} */ job) => job,
}
const work = Object.entries(forms).find(([name]) => name === form)?.[1]
if (!work) throw new Error(`there is no form ${form}`)
const run = (/** @type {number} */ pictures) =>
  work(model.sample({ count: pictures, batch: 4 }), join(folder, `of-${pictures}`))

/** @type {number[]} */
const rss = []
const look = () => {
  globalThis.gc?.()
  rss.push(process.memoryUsage.rss())
}
// What is loaded and allocated at first use is there before the first look.
await run(32)
look()
const timer = setInterval(look, 100)
const result = await run(Number(count))
clearInterval(timer)
look()
if (result === null) throw new Error('there is no result')
console.log(JSON.stringify(rss))
