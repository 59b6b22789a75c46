/** Pictures that are not resident: what plan() says, what step() takes, and the same bits as resident ones. */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, HostTensor, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const COUNT = 10

/** A trainer whose pictures stay here, and a step() that gives it those it plans to take. */
async function reading(options: AnyTrainOptions) {
  const spec = smallSpec(options)
  const [size, channels] = [spec.size as number, spec.channels as number]
  const pixels = drawnPixels(COUNT, size, channels)
  const images = await addon.images(null, [COUNT, size, size, channels], 'cpu')
  const trainer = await addon.trainer(spec, images)
  const bytes = size * size * channels
  const rows = (indices: Iterable<number>) =>
    Buffer.concat([...indices].map((index) => pixels.subarray(index * bytes, (index + 1) * bytes)))
  const step = async (updates: number) => trainer.step(updates, rows((await trainer.plan(updates)).indices))
  return { trainer, bytes, rows, step }
}

async function digest(trainer: NativeTrainer): Promise<Record<string, string>> {
  const entries: [string, string][] = []
  for (const { name } of await trainer.tensors())
    entries.push([
      name,
      createHash('sha256')
        .update(await trainer.tensor(name))
        .digest('hex'),
    ])
  return Object.fromEntries(entries)
}

const few: AnyTrainOptions = { dropout: 0.1, augment: 0.5, ambientSigma: 0.5 }
const models: AnyTrainOptions[] = [
  {},
  { accumulate: 3 },
  { selfCondition: true },
  { offsetNoise: 0.1, flip: false },
  few,
]
for (const variant of ['pytorch', 'chainer', 'radford'] as const)
  for (const discriminatorUpdates of [1, 2])
    for (const accumulate of [1, 2]) models.push({ model: 'dcgan', variant, discriminatorUpdates, accumulate })

models.push({ model: 'stylegan2', accumulate: 2 }, { model: 'stylegan2', variant: 'r3gan' })

describe.each(models)('%o', (options) => {
  test('rows that are read for each unit give the bytes of resident pictures, over several epochs', async () => {
    const resident = await smallTrainer(addon, options, COUNT)
    const { trainer, step } = await reading(options)
    for (const updates of [1, 4, 2, 5]) expect(await step(updates)).toEqual(await resident.step(updates))
    expect(await digest(trainer)).toEqual(await digest(resident))
  })

  test('plan() says the same again, for more and for fewer updates, on either store, and changes nothing', async () => {
    const resident = await smallTrainer(addon, options, COUNT)
    const { trainer, step } = await reading(options)
    await Promise.all([resident.step(2), step(2)])
    const before = await digest(trainer)
    const long = await trainer.plan(7)
    expect(await trainer.plan(7)).toEqual(long)
    expect(await resident.plan(7)).toEqual(long)
    const short = await trainer.plan(3)
    expect(short.sizes).toEqual(long.sizes.subarray(0, 3))
    expect(short.indices).toEqual(long.indices.subarray(0, short.indices.length))
    expect(await trainer.plan(0)).toEqual({ indices: new Int32Array(), sizes: new Int32Array() })
    expect(await digest(trainer)).toEqual(before)
    // One update after the other takes what was planned for all of them.
    let taken = 0
    for (const size of long.sizes) {
      const { indices } = await trainer.plan(1)
      expect(indices).toEqual(long.indices.subarray(taken, taken + size))
      await step(1)
      taken += size
    }
  })
})

test('an epoch takes each picture once, the last batch what is left', async () => {
  const { trainer } = await reading({})
  const { indices, sizes } = await trainer.plan(6)
  expect([...sizes]).toEqual([4, 4, 2, 4, 4, 2])
  const all = Array.from({ length: COUNT }, (_, i) => i)
  for (const epoch of [indices.slice(0, COUNT), indices.slice(COUNT)]) expect([...epoch].sort()).toEqual(all)
  expect(indices.slice(0, COUNT)).not.toEqual(indices.slice(COUNT))
})

test('a checkpoint between plan() and step() is as if plan() had not been called', async () => {
  const { trainer, step } = await reading({})
  const other = await reading({})
  await step(2)
  const planned = await trainer.plan(5)
  const saved: HostTensor[] = []
  for (const info of await trainer.tensors()) saved.push({ ...info, bytes: await trainer.tensor(info.name) })
  await other.trainer.load(saved, 'same')
  expect(await other.trainer.plan(5)).toEqual(planned)
  await Promise.all([step(5), other.step(5)])
  expect(await digest(other.trainer)).toEqual(await digest(trainer))
})

describe('what does not fit rejects, changes nothing, and the trainer goes on', () => {
  test.each([
    ['a byte too few', (rows: Uint8Array) => rows.subarray(1)],
    ['a picture too many', (rows: Uint8Array) => Buffer.concat([rows, rows.subarray(0, 16 * 16 * 3)])],
    ['no byte', () => new Uint8Array()],
    ['no pixels', () => undefined],
  ])('%s', async (_, change) => {
    const { trainer, rows, step } = await reading({})
    const untouched = await reading({})
    const before = await digest(trainer)
    const wrong = change(rows((await trainer.plan(2)).indices))
    await expect(trainer.step(2, wrong)).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringContaining('6144 bytes of the 8 pictures that plan() names'),
    })
    expect(await digest(trainer)).toEqual(before)
    await Promise.all([step(3), untouched.step(3)])
    expect(await digest(trainer)).toEqual(await digest(untouched.trainer))
  })

  test('pixels given to a trainer of resident pictures', async () => {
    const trainer = await smallTrainer(addon, {}, COUNT)
    await expect(trainer.step(1, new Uint8Array(4 * 16 * 16 * 3))).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringContaining('resident'),
    })
    expect((await trainer.step(1)).images).toEqual([4])
  })

  test('values of a wrong JavaScript type', async () => {
    const { trainer, step } = await reading({})
    const wrong = trainer as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    for (const args of [[], [-1], ['1'], [1, 'x'], [1, [0]], [1, new Float32Array(3)]])
      await expect(async () => wrong.step!(...args)).rejects.toMatchObject({ code: expect.stringMatching(/_/) })
    for (const args of [[], [-1], [Number.NaN], ['1']])
      await expect(async () => wrong.plan!(...args)).rejects.toMatchObject({ code: expect.stringMatching(/_/) })
    expect((await step(1)).images).toEqual([4])
  })
})

describe('labels', () => {
  const images = (labels?: Float32Array) => addon.images(null, [COUNT, 16, 16, 3], 'cpu', labels)

  test.each([0, 1, 9, 11, 25])('%i numbers are no rows for ten pictures: SHAPE_INVALID', async (length) => {
    await expect(images(new Float32Array(length))).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringContaining(`${length} labels`),
    })
  })

  test('rows of one width are taken, and change no bit of a model that does not read them', async () => {
    const pixels = drawnPixels(COUNT, 16, 3)
    const labelled = await addon.images(pixels, [COUNT, 16, 16, 3], 'cpu', new Float32Array(3 * COUNT).fill(0.5))
    const trainer = await addon.trainer(smallSpec({}), labelled)
    const without = await smallTrainer(addon, {}, COUNT)
    await Promise.all([trainer.step(4), without.step(4)])
    expect(await digest(trainer)).toEqual(await digest(without))
  })

  test('of another type are refused', async () => {
    const wrong = images as unknown as (labels: unknown) => Promise<unknown>
    for (const labels of [[1, 2], 'x', new Uint8Array(COUNT), {}])
      await expect(async () => wrong(labels)).rejects.toMatchObject({ code: expect.stringMatching(/_/) })
  })
})

test('a set that is not resident has a shape of pictures: SHAPE_INVALID', async () => {
  for (const shape of [[], [0, 16, 16, 3], [10, 16, 16], [2 ** 40, 16, 16, 3], [2 ** 33, 2 ** 31, 1, 3]])
    await expect(addon.images(null, shape, 'cpu')).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
})

describe('where a run begins in other pictures or elsewhere', () => {
  const numbers = async (trainer: NativeTrainer) => {
    const bytes = Buffer.from(await trainer.tensor('progress.position'))
    return Array.from({ length: 4 }, (_, i) => Number(bytes.readBigInt64LE(8 * i)))
  }

  test('load(..., "other") ends the epoch where it is, and leaves the order out', async () => {
    const first = await smallTrainer(addon, {}, 6)
    await first.step(2)
    await first.step(1)
    expect(await numbers(first)).toEqual([10, 2, 4, 1])
    const saved: HostTensor[] = []
    for (const info of await first.tensors()) saved.push({ ...info, bytes: await first.tensor(info.name) })
    const second = await smallTrainer(addon, {}, COUNT)
    await expect(second.load(saved, 'same')).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining('progress.order'),
    })
    // One by one, as checkpoints are read, and together.
    for (const tensor of saved) await second.load([tensor], 'other')
    expect(await numbers(second)).toEqual([10, 2, 10, 1])
    const third = await smallTrainer(addon, {}, COUNT)
    await third.load(saved, 'other')
    expect(await digest(third)).toEqual(await digest(second))
    const { indices } = await second.plan(3)
    expect([...indices].sort()).toEqual(Array.from({ length: COUNT }, (_, i) => i))
    expect((await second.step(1)).epoch).toEqual([2])
  })

  test('startAt() counts images as whole epochs, and the next batch begins one', async () => {
    const trainer = await smallTrainer(addon, {}, COUNT)
    await trainer.startAt(25)
    expect(await numbers(trainer)).toEqual([25, 3, 10, 3])
    expect(await trainer.step(1)).toMatchObject({ images: [29], epoch: [3] })
  })

  test('words that are none are refused', async () => {
    const trainer = await smallTrainer(addon, {}, COUNT)
    const wrong = trainer as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    for (const call of [() => wrong.load!([]), () => wrong.load!([], 'others'), () => wrong.snapshot!('all')])
      await expect(async () => call()).rejects.toMatchObject({
        message: expect.stringMatching(/expected ".*" or ".*"/),
      })
  })
})
