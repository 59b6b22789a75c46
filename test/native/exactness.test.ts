/**
 * The numbers of the published programs, made by `npm run exactness -- --golden`. Order, flips and time steps are
 * drawn again here from the trainer's own generator states, noise to the accuracy of float32: they hold on every
 * processor, as initial weights do. Bits of losses, gradients and weights are held on the kinds of processor that the
 * numbers were made on, a bound elsewhere; the title says which.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { placeOn, toSpec } from '../../lib/backend/placement.ts'
import type { Addon, NativeImages, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { TorchRandom } from '../helpers/torch-random.ts'

type Batch = { order: number[]; flips: number[]; t?: number[]; noise: number[] }
type Case = {
  name: string
  options: AnyTrainOptions & { steps: number; timesteps?: number; latent?: number }
  batches: Batch[]
}
type Bits = {
  snapshots: Record<string, Record<string, string>>
  losses: Record<string, number>[]
  samples: Record<string, string>
}

const golden = JSON.parse(readFileSync(new URL('../golden/exactness.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  made: (Made & { cases: Bits[] })[]
}

const PICTURES = 110
const addon: Addon = await loadAddon()
const { cpuCapability } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

const float = (bytes: Uint8Array) =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
const integers = (bytes: Uint8Array) => [
  ...new BigInt64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
]

type Place = { state: Uint8Array; nextIndex: number; nextBatch: number; epochSeed: bigint; order: number[] }

async function placeOf(trainer: NativeTrainer): Promise<Place> {
  const [, , nextIndex, nextBatch] = integers(await trainer.tensor('progress.position')).map(Number)
  return {
    state: await trainer.tensor('random.cpu'),
    nextIndex: nextIndex!,
    nextBatch: nextBatch!,
    epochSeed: integers(await trainer.tensor('progress.epoch_seed'))[0]!,
    order: integers(await trainer.tensor('progress.order')).map(Number),
  }
}

/** What the updates between these places drew. */
class Replay {
  readonly #case: Case
  #workers: TorchRandom[] = []

  constructor(given: Case) {
    this.#case = given
  }

  #startLanes(seed: bigint): void {
    const lanes = this.#case.options.loaderWorkers ?? 1
    this.#workers = Array.from({ length: lanes }, (_, lane) => new TorchRandom(seed + BigInt(lane)))
  }

  #pictures(random: TorchRandom, at: Place, after: Place): { order: number[]; flips: number[] } {
    const { variant, batch, flip } = this.#case.options
    if (variant === 'chainer') {
      const draws = Array.from({ length: batch! }, () => [random.integers(PICTURES, 1)[0]!, random.integers(2, 1)[0]!])
      return { order: draws.map(([index]) => index!), flips: draws.map(([, side]) => side!) }
    }
    if (at.nextIndex >= PICTURES) {
      expect(random.seed()).toBe(after.epochSeed)
      random.seed() // seeds the permutation, which is seen in `order`
      this.#startLanes(after.epochSeed)
      Object.assign(at, { nextIndex: 0, nextBatch: 0, order: after.order })
    }
    const order = at.order.slice(at.nextIndex, at.nextIndex + batch!)
    const lane = this.#workers[at.nextBatch % this.#workers.length]!
    const flips = order.map(() => (flip && lane.uniform() < 0.5 ? 1 : 0))
    Object.assign(at, { nextIndex: at.nextIndex + order.length, nextBatch: at.nextBatch + 1 })
    return { order, flips }
  }

  #noise(random: TorchRandom, count: number): Pick<Batch, 't' | 'noise'> {
    const { model, variant, latent, size, timesteps } = this.#case.options
    if (model === 'diffusion') {
      const t = random.integers(timesteps!, count)
      return { t, noise: [...random.normals(count * 3 * size! ** 2).subarray(0, 4)] }
    }
    if (variant === 'pytorch') return { noise: [...random.normals(count * latent!).subarray(0, 4)] }
    const values = Array.from({ length: count * latent! }, () => random.uniform() * 2 - 1)
    return { noise: values.slice(0, 4) }
  }

  /** The batches of one update; checks that the stream then stands where the trainer's does. */
  update(before: Place, after: Place): Batch[] {
    const random = new TorchRandom(before.state)
    const at = { ...before }
    const batches = Array.from({ length: this.#case.options.accumulate ?? 1 }, () => {
      const pictures = this.#pictures(random, at, after)
      return { ...pictures, ...this.#noise(random, pictures.order.length) }
    })
    expect(random.standsAt(after.state)).toBe(true)
    return batches
  }
}

/** Digest of the tensors of one kind, in the order of their names. */
async function digest(trainer: NativeTrainer, kind: 'weights' | 'ema', model: string): Promise<string> {
  const prefixes = { weights: model === 'dcgan' ? ['generator.', 'discriminator.'] : ['model.'], ema: ['ema.model.'] }[
    kind
  ]
  const infos = (await trainer.tensors()).filter(
    ({ name, dtype }) => dtype === 'F32' && prefixes.some((prefix) => name.startsWith(prefix)),
  )
  const sha = createHash('sha256')
  for (const name of infos.map(({ name }) => name).sort()) sha.update(await trainer.tensor(name))
  return sha.digest('hex').slice(0, 16)
}

/** Gradients of the trainer's next update: twice Adam's first moment from zero, with beta1 1/2. Exact. */
async function gradients(images: NativeImages, spec: Spec, trainer: NativeTrainer, model: string): Promise<string> {
  const sha = createHash('sha256')
  const found = new Map<string, Float32Array>()
  for (const network of model === 'dcgan' ? ['generator.', 'discriminator.'] : ['model.']) {
    const probe = await addon.trainer({ ...spec, betas: [0.5, (spec.betas as number[])[1]!] }, images)
    const moment = (name: string) => name.startsWith(`optimizer.exp_avg.${network}`)
    const infos = await trainer.tensors()
    for (const info of infos) {
      const bytes = await trainer.tensor(info.name)
      await probe.load([{ ...info, bytes: moment(info.name) ? bytes.fill(0) : bytes }], 'same')
    }
    await probe.step(1)
    for (const { name } of infos.filter(({ name }) => moment(name)))
      found.set(
        name,
        float(await probe.tensor(name)).map((half) => half * 2),
      )
    probe.dispose()
  }
  for (const name of [...found.keys()].sort()) sha.update(Buffer.from(found.get(name)!.buffer))
  return sha.digest('hex').slice(0, 16)
}

describe.each(golden.cases.map((given, i) => ({ ...given, ...bits.cases[i]! })))('$name', (given) => {
  const { steps, ...options } = given.options
  const { model } = options
  const resolved = resolveTrain({ ...options, exact: true, device: 'cpu', threads: bits.cpu.threads })
  const spec = toSpec(resolved, placeOn('cpu', resolved, []))
  const places: Place[] = []
  const losses: Record<string, number>[] = []
  const digests: Record<string, Record<string, string>> = {}
  let images: NativeImages
  let trainer: NativeTrainer

  beforeAll(async () => {
    const size = options.size!
    const pixels = new Uint8Array(PICTURES * size * size * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
    images = await addon.images(pixels, [PICTURES, size, size, 3], 'cpu')
    trainer = await addon.trainer(spec, images)
    const note = async (step: number) => {
      if (!given.snapshots[step]) return
      digests[step] = { ...digests[step], weights: await digest(trainer, 'weights', model!) }
      if (given.snapshots[step].ema) digests[step].ema = await digest(trainer, 'ema', model!)
    }
    places.push(await placeOf(trainer))
    await note(0)
    for (let step = 1; step <= steps; step++) {
      // Two of the three, to save time: the last one differs wherever one of them does.
      if (step === 1 || step === steps) digests[step] = { gradients: await gradients(images, spec, trainer, model!) }
      const metrics = await trainer.step(1)
      losses.push(Object.fromEntries(Object.keys(given.losses[0]!).map((name) => [name, metrics[name]![0]!])))
      places.push(await placeOf(trainer))
      await note(step)
    }
  })
  afterAll(() => {
    trainer.dispose()
    images.dispose()
  })

  test('order, flips and time steps are those of the source, to the bit; noise to 1e-5', () => {
    const replay = new Replay(given)
    const batches = places.slice(1).flatMap((after, i) => replay.update(places[i]!, after))
    const drawn = ({ noise, ...rest }: Batch) => rest
    expect(batches.map(drawn)).toEqual(given.batches.map(drawn))
    const far = batches.flatMap(({ noise }, i) =>
      noise.map((value, j) => Math.abs(value - given.batches[i]!.noise[j]!)),
    )
    expect(Math.max(...far)).toBeLessThan(1e-5)
  })

  test('initial weights are those of the source, to the bit', () => {
    // The normal draws of a DCGAN have other last bits without AVX2.
    if (model === 'dcgan' && cpuCapability === 'DEFAULT') return expect(digests[0]!.weights).toMatch(/^[0-9a-f]{16}$/)
    expect(digests[0]!.weights).toBe(given.snapshots[0]!.weights)
  })

  test(`losses, gradients, weights and averages follow the source ${promise}`, () => {
    const far = losses.flatMap((row, i) =>
      Object.entries(row).map(
        ([name, value]) => Math.abs(value - given.losses[i]![name]!) / Math.abs(given.losses[i]![name]!),
      ),
    )
    expect(far[0]).toBeLessThan(exact ? 1e-12 : 1e-4)
    if (!exact) {
      expect(Math.max(...far.slice(0, 5))).toBeLessThan(1e-2)
      return
    }
    expect(Math.max(...far)).toBeLessThan(1e-12)
    for (const [step, kinds] of Object.entries(digests))
      for (const [kind, value] of Object.entries(kinds))
        expect(value, `${kind} ${step}`).toBe(given.snapshots[step]![kind])
  })

  test.skipIf(!exact)('pictures are drawn as the source draws them, to the bit', async () => {
    const generator = await trainer.inferenceModel(model === 'dcgan' ? 'raw' : 'ema')
    for (const [name, expected] of Object.entries(given.samples)) {
      const [how, ...rest] = name.split(' ')
      const [stepsOf, eta, seed] = rest.length === 1 ? [0, 0, rest[0]] : rest
      const args =
        model === 'dcgan' ? { batchNorm: 'running' } : { sampler: how!, steps: Number(stepsOf), eta: Number(eta) }
      const sampler = await generator.sampler({ seeds: [Number(seed)], batch: 1, ...args })
      while (!(await sampler.step()));
      expect(
        createHash('sha256')
          .update(await sampler.pixels())
          .digest('hex')
          .slice(0, 16),
        name,
      ).toBe(expected)
    }
    generator.dispose()
  })
})
