// A process that samples many pictures without keeping them and writes, as JSON, its resident memory along the way.
// Arguments: how (a key of `forms`), how many pictures, their side, a folder to work in.
import { join } from 'node:path'
import { train } from '../../dist/index.js'

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
const job = model.sample({ count: Number(count), batch: 4 })

const forms = {
  save: () => job.save(join(folder, 'files')),
  grid: () => job.grid(join(folder, 'grid.png')),
  both: () => job.save(join(folder, 'files'), { grid: join(folder, 'grid.png') }),
  async iterate() {
    for await (const picture of job) await picture.encode()
  },
  // Holds them all, as a measure of the measure.
  all: () => job.then((pictures) => pictures),
}

const rss = []
const timer = setInterval(() => {
  globalThis.gc?.()
  rss.push(process.memoryUsage.rss())
}, 100)
const work = Object.entries(forms).find(([name]) => name === form)?.[1]
if (!work) throw new Error(`there is no form ${form}`)
await work()
clearInterval(timer)
console.log(JSON.stringify(rss))
