// A process that trains a few updates of one network and writes, as JSON, what they took of memory and what was estimated.
// Argument: options of train(), as JSON.
import { readFileSync } from 'node:fs'
import { toSpec } from '../../dist/backend/placement.js'
import { placeKnown } from '../../dist/backend/select.js'
import { loadNative } from '../../dist/native/load.js'
import { resolveTrain } from '../../dist/options/resolve.js'
import { trainingMemory } from '../../dist/train/memory.js'

const bytesOf = (/** @type {'VmRSS' | 'VmHWM'} */ what) =>
  1024 * Number(readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${what}:\\s+(\\d+)`, 'm'))?.[1])

const options = resolveTrain({ data: 'builtin:icons', device: 'cpu', threads: 2, ...JSON.parse(process.argv[2] ?? '') })
const native = await loadNative()
const { addon } = native
const placement = await placeKnown(native, options)

async function update(/** @type {typeof options} */ resolved, times = 1) {
  const { batch, size, channels } = resolved
  const images = await addon.images(
    new Uint8Array(batch * size * size * channels),
    [batch, size, size, channels],
    'cpu',
  )
  const trainer = await addon.trainer(toSpec(resolved, placement), images)
  await trainer.step(times)
  trainer.dispose()
  images.dispose()
}

// A first update brings libtorch's code and threads into memory, which belong to no network.
const narrow = {
  diffusion: { size: 16, dim: 8, dimMults: [1, 2] },
  dcgan: { width: 8 },
  pgan: { size: 8, widths: [8, 8] },
  stylegan2: { size: 32, channelBase: 256, channelMax: 8 },
}
const small = { batch: 2, ...narrow[options.model] }
await update(/** @type {typeof options} */ ({ ...options, ...small }))
const program = bytesOf('VmRSS')
await update(options, 2)
const network = await addon.describe(toSpec(options, placement))
const estimate = trainingMemory(options, placement, network, options.batch)
console.log(JSON.stringify({ program, peak: bytesOf('VmHWM'), ops: placement.ops, estimate }))
