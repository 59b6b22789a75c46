/** R36, R37, R39, R40 in the native part: NaN is seen within a unit and saved in none, memory that runs out is survived. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { newestValidCheckpoint } from '../../lib/checkpoint/find.ts'
import { saveCheckpoint } from '../../lib/checkpoint/save.ts'
import type { Addon, HostTensor, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { copyTensors } from '../../lib/train/copy-tensors.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'
import { tally } from '../helpers/tally.ts'
import { saveRequest } from '../helpers/tensors.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const i64 = (...values: bigint[]) => new Uint8Array(BigInt64Array.from(values).buffer)
const trains = async (trainer: NativeTrainer) => expect((await trainer.step(1)).images).toHaveLength(1)

/** Sets one element of a weight, and the others to zero. */
async function poison(trainer: NativeTrainer, name: string, value: number, element = 0): Promise<void> {
  const info = (await trainer.tensors()).find((tensor) => tensor.name === name)!
  const elements = info.shape.reduce((product, side) => product * side, 1)
  const bytes = new Uint8Array(Float32Array.from({ length: elements }, (_, i) => (i === element ? value : 0)).buffer)
  await trainer.load([{ ...info, bytes }], 'same')
}

describe('R36', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a weight of %s is seen in the unit that finds it',
    async (value) => {
      const trainer = await smallTrainer(addon, {})
      await trains(trainer)
      await poison(trainer, 'model.final_conv.bias', value)
      await expect(trainer.step(3)).rejects.toMatchObject({
        code: 'LOSS_NOT_FINITE',
        message: expect.stringMatching(/^loss/),
      })
    },
  )

  test('a weight that the loss does not show yet is seen at the end of the unit, by name', async () => {
    // The discriminator's last update of a unit is judged by no loss of that unit.
    const trainer = await smallTrainer(addon, { model: 'dcgan', lr: 1, betas: [0.5, 0] })
    const failure = await (async () => {
      for (let unit = 0; unit < 200; unit++) await trainer.step(1)
    })().catch((error) => error)
    expect(failure).toMatchObject({ code: expect.stringMatching(/^(LOSS|WEIGHTS)_NOT_FINITE$/) })
  })

  test('a weight that no loss reads is named', async () => {
    const trainer = await smallTrainer(addon, { model: 'dcgan' })
    await trains(trainer)
    const name = (await trainer.tensors()).find((tensor) => tensor.name.includes('running_mean'))!.name
    await poison(trainer, name, Number.POSITIVE_INFINITY)
    await expect(trainer.step(1)).rejects.toMatchObject({
      code: 'WEIGHTS_NOT_FINITE',
      message: expect.stringContaining(`"${name}"`),
    })
  })

  test('the state before, loaded, trains on; reseeded, with other numbers, and the same for the same seed', async () => {
    const trainer = await smallTrainer(addon, {})
    await trainer.step(2)
    const saved: HostTensor[] = []
    for (const info of await trainer.tensors())
      saved.push({ ...info, bytes: new Uint8Array(await trainer.tensor(info.name)) })
    const again = async (seed?: number) => {
      await poison(trainer, 'model.final_conv.bias', Number.NaN)
      await expect(trainer.step(2)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' })
      await trainer.load(saved, 'same')
      if (seed !== undefined) await trainer.reseed(seed)
      return trainer.step(2)
    }
    const plain = await again()
    expect(await again()).toEqual(plain)
    const other = await again(7)
    expect(other.loss).not.toEqual(plain.loss)
    expect(other.images).toEqual(plain.images)
    expect(await again(7)).toEqual(other)
    expect((await again(8)).loss).not.toEqual(other.loss)
  })

  test('what is saved right after a reseed holds the new random stream', async () => {
    const trainer = await smallTrainer(addon, {})
    const stream = async () => Buffer.from(await trainer.tensor('random.cpu'))
    const before = await stream()
    await trainer.reseed(7)
    expect((await stream()).equals(before)).toBe(false)
  })
})

describe('R37 a checkpoint', () => {
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const weight = 'model.final_conv.bias'

  test.each([weight, `ema.${weight}`, `optimizer.exp_avg.${weight}`])(
    'of one infinite element in %s is refused, and leaves the checkpoint before it',
    async (tensor) => {
      const run = temporaryFolder()
      const trainer = await smallTrainer(addon, {})
      const save = async (images: number) => {
        const { tensors, read } = await copyTensors(trainer, images)
        return saveCheckpoint(run, saveRequest(images, { tensors, readTensor: read }))
      }
      const { folder } = await save(128)
      for (const value of wrong) {
        await poison(trainer, tensor, value, 1)
        await expect(trainer.tensor(tensor)).rejects.toMatchObject({
          code: 'WEIGHTS_NOT_FINITE',
          message: `element 1 of tensor "${tensor}" is NaN or infinite`,
          details: { tensor, element: 1 },
        })
        await expect(save(256)).rejects.toMatchObject({
          code: 'WEIGHTS_NOT_FINITE',
          message: `The checkpoint at 256 images was not saved: element 1 of tensor "${tensor}" is NaN or infinite`,
          details: { images: 256, tensor, element: 1 },
        })
      }
      expect((await newestValidCheckpoint(run)).folder).toBe(folder)
      expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['000000128', 'latest.json'])
      await poison(trainer, tensor, 1)
      await save(256)
      tally(
        `NaN or infinity in \`${tensor}\`: the save refused, the checkpoint before it left`,
        wrong.length,
        wrong.length,
      )
    },
  )

  test('the element is found wherever it is, in large tensors and in the order of the shape', async () => {
    const trainer = await smallTrainer(addon, { dim: 64, dimMults: [1, 2] })
    const name = 'model.downs.0.0.block1.proj.weight'
    const { shape } = (await trainer.tensors()).find((tensor) => tensor.name === name)!
    const last = shape.reduce((product, side) => product * side, 1) - 1
    for (const element of [0, 12_345, last]) {
      await poison(trainer, name, Number.NaN, element)
      await expect(trainer.tensor(name)).rejects.toMatchObject({ details: { tensor: name, element } })
    }
    await poison(trainer, name, 3.4e38)
    expect(await trainer.tensor(name)).toHaveLength(4 * (last + 1))
  })
})

describe('R50 a place in the pictures that no run can have', () => {
  const position = (values: bigint[]) => ({
    name: 'progress.position',
    dtype: 'I64',
    shape: [4],
    bytes: i64(...values),
  })
  const order = (...values: bigint[]) => ({ name: 'progress.order', dtype: 'I64', shape: [10], bytes: i64(...values) })
  const sound = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]

  test.each([
    ['an index behind the last', position([4n, 1n, 11n, 1n])],
    ['a negative index', position([4n, 1n, -1n, 1n])],
    ['negative images', position([-4n, 1n, 4n, 1n])],
    ['a picture that is not there', order(...sound.with(3, 10n))],
    ['a negative picture', order(...sound.with(3, -1n))],
  ])('%s is CHECKPOINT_INVALID', async (_, tensor) => {
    const trainer = await smallTrainer(addon, {})
    const before = Buffer.from(await trainer.tensor(tensor.name))
    await expect(trainer.load([tensor], 'same')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
    expect(before.equals(await trainer.tensor(tensor.name))).toBe(true)
    await trains(trainer)
  })

  test('that a run can have is taken', async () => {
    const trainer = await smallTrainer(addon, {})
    await trainer.load([order(...sound), position([4n, 1n, 4n, 1n])], 'same')
    expect((await trainer.step(1)).images).toEqual([8])
  })

  test('random states of the wrong length or content have a code', async () => {
    const trainer = await smallTrainer(addon, {})
    const { shape } = (await trainer.tensors()).find(({ name }) => name === 'random.cpu')!
    const load = (length: number, fill: number) =>
      trainer.load(
        [{ name: 'random.cpu', dtype: 'U8', shape: [length], bytes: new Uint8Array(length).fill(fill) }],
        'same',
      )
    await expect(load(8, 0)).rejects.toMatchObject({ code: expect.stringMatching(/_/) })
    await expect(load(shape[0]!, 255)).rejects.toMatchObject({ code: expect.stringMatching(/_/) })
  })
})

describe('R40 std::bad_alloc', () => {
  test('is OUT_OF_MEMORY, and the next trainer trains', async () => {
    const images = await addon.images(drawnPixels(10, 16, 3), [10, 16, 16, 3], 'cpu')
    // More lanes than an address space has room for: the vector of them cannot be made.
    await expect(addon.trainer({ ...smallSpec({}), loaderWorkers: 2 ** 53 - 1 }, images)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining('bad_alloc'),
    })
    await trains(await smallTrainer(addon, {}))
  })
})

test('R39 a batch too large for the memory is OUT_OF_MEMORY, and a smaller one trains', async () => {
  const images = await addon.images(drawnPixels(1, 512, 3), [1, 512, 512, 3], 'cpu')
  // Attention between all pixels of a picture: a terabyte.
  const trainer = await addon.trainer({ ...smallSpec({}), size: 512, dimMults: [1], batch: 1 }, images)
  await expect(trainer.step(1)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
  trainer.dispose()
  await trains(await smallTrainer(addon, { batch: 2 }))
})
