// Runs shinsaku on a case, update by update, and keeps what a comparison needs. Uses what checkpoints use, no more.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { placeOn, toSpec } from '../../dist/backend/placement.js'
import { loadDataset } from '../../dist/data/dataset.js'
import { encodePicture } from '../../dist/images/encode.js'
import { resolveTrain } from '../../dist/options/resolve.js'

const PICTURES = 110

/** uint8 NHWC: pseudo-random numbers, the pictures of a folder, or drawn icons. */
async function pixelsOf({ data, size, channels }, options) {
  if (data === 'numbers')
    return new Uint8Array(PICTURES * size * size * channels).map((_, i) => Math.imul(i, 2654435761) >>> 24)
  const source = data === 'icons' ? `builtin:icons:${PICTURES}` : data
  const { store } = await loadDataset({ ...options, data: source, pixelStore: 'memory' })
  if (!store.resident) throw new Error('the pictures are not in memory')
  return store.resident
}

/** Writes the pictures as both sides get them: as one block, and as PNG files without loss. */
async function writePictures(pixels, { out, size, channels }) {
  const folder = join(out, 'pictures', 'all')
  await mkdir(folder, { recursive: true })
  await writeFile(join(out, 'pixels.bin'), pixels)
  const bytes = size * size * channels
  for (let n = 0; n * bytes < pixels.length; n++) {
    const picture = pixels.subarray(n * bytes, (n + 1) * bytes)
    const png = await encodePicture(picture, { width: size, height: size, channels }, 'png')
    await writeFile(join(folder, `${String(n).padStart(6, '0')}.png`), png)
  }
}

const trainOptions = ({ data, steps, samples, snapshots, out, pictures, pixels, ...options }) =>
  resolveTrain({ ...options, exact: true, device: 'cpu', precision: 'fp32' })

const int64s = (bytes) => [...new BigInt64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))]
const floats = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))

async function allTensors(trainer) {
  const infos = await trainer.tensors()
  return Promise.all(infos.map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))
}

const MOMENT = 'optimizer.exp_avg.'

/**
 * The gradients of the next update of a run in `state`, in a trainer of their own. Adam's first moment becomes
 * b1 * m + (1 - b1) * g: with m = 0 and b1 = 1/2 that is g / 2, which no rounding touches.
 */
async function gradientsAt(addon, images, spec, state, network) {
  const probe = await addon.trainer({ ...spec, betas: [0.5, spec.betas[1]] }, images)
  try {
    const wanted = ({ name }) => name.startsWith(`${MOMENT}${network}`)
    await probe.load(
      state.map((tensor) => (wanted(tensor) ? { ...tensor, bytes: tensor.bytes.map(() => 0) } : tensor)),
      'same',
    )
    await probe.step(1)
    const found = new Map()
    for (const { name } of state.filter(wanted))
      found.set(
        name.slice(MOMENT.length),
        floats(await probe.tensor(name)).map((half) => half * 2),
      )
    return found
  } finally {
    probe.dispose()
  }
}

const networksOf = ({ model }) => (model === 'dcgan' ? ['generator.', 'discriminator.'] : ['model.'])

/** Weights, averages and moments as they are, under the names that the references give them. */
async function snapshot(trainer, options) {
  const kept = new Map()
  const networks = networksOf(options)
  for (const { name, dtype } of await trainer.tensors()) {
    if (dtype !== 'F32') continue
    const value = async () => floats(await trainer.tensor(name))
    if (networks.some((network) => name.startsWith(network))) kept.set(`weights/${name}`, await value())
    if (name.startsWith('ema.model.')) kept.set(`ema/${name.slice(4)}`, await value())
    if (options.model === 'dcgan' && /^optimizer\.exp_avg/.test(name))
      kept.set(`moments/${name.slice(10)}`, await value())
  }
  return kept
}

async function draw(trainer, { model }, sample) {
  const { sampler, steps, eta, seed } = sample
  const args = model === 'dcgan' ? { batchNorm: 'running' } : { sampler, steps, eta }
  const generator = await trainer.inferenceModel(model === 'dcgan' ? 'raw' : 'ema')
  const job = await generator.sampler({ seeds: [seed], batch: 1, ...args })
  while (!(await job.step()));
  const pixels = await job.pixels()
  job.dispose()
  generator.dispose()
  return [model === 'dcgan' ? `running ${seed}` : `${sampler} ${steps} ${eta} ${seed}`, [...pixels]]
}

/** Runs the case; leaves states, positions and pictures in its folder, and gives back the rest. */
export async function runOurs(addon, given) {
  const options = trainOptions(given)
  const pixels = await pixelsOf(given, options)
  await writePictures(pixels, given)
  const { size, channels } = options
  const images = await addon.images(pixels, [pixels.length / (size * size * channels), size, size, channels], 'cpu')
  const spec = toSpec(options, placeOn('cpu', { ...options, threads: given.threads }, []))
  const trainer = await addon.trainer(spec, images)
  /** @type {{ positions: number[][], epochSeeds: string[], orders: number[][] }} */
  const log = { positions: [], epochSeeds: [], orders: [] }
  const states = []
  const note = async () => {
    states.push(await trainer.tensor('random.cpu'))
    log.positions.push(int64s(await trainer.tensor('progress.position')).map(Number))
    log.epochSeeds.push(String(int64s(await trainer.tensor('progress.epoch_seed'))[0]))
    log.orders.push(int64s(await trainer.tensor('progress.order')).map(Number))
  }
  const metrics = []
  const snapshots = { 0: await snapshot(trainer, options) }
  await note()
  for (let step = 1; step <= given.steps; step++) {
    const wanted = given.snapshots.includes(step)
    const before = wanted ? await allTensors(trainer) : []
    metrics.push(await trainer.step(1))
    await note()
    if (!wanted) continue
    snapshots[step] = await snapshot(trainer, options)
    for (const network of networksOf(options))
      for (const [name, value] of await gradientsAt(addon, images, spec, before, network))
        snapshots[step].set(`gradients/${name}`, value)
  }
  await mkdir(join(given.out, 'ours'), { recursive: true })
  await writeFile(join(given.out, 'ours', 'states.bin'), Buffer.concat(states))
  await writeFile(join(given.out, 'ours', 'log.json'), JSON.stringify(log))
  const samples = Object.fromEntries(await Promise.all(given.samples.map((sample) => draw(trainer, given, sample))))
  trainer.dispose()
  images.dispose()
  const series = given.model === 'dcgan' ? ['lossD', 'lossG', 'dReal', 'dFake'] : ['loss']
  const losses = metrics.map((unit) => Object.fromEntries(series.map((name) => [name, unit[name][0]])))
  return { snapshots, samples, losses }
}
