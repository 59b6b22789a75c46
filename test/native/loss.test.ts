/** trainer.loss(): what the networks make of given pictures, without a trace in training. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawnPixels, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
let cpuOps: string[]
beforeAll(async () => {
  addon = await loadAddon()
  cpuOps = (await addon.info()).cpuOps
})

const models: [name: string, options: AnyTrainOptions, size: number, rows: number][] = [
  ['diffusion', {}, 16, 3],
  ['diffusion 0.26 with offset noise', { variant: '0.26', offsetNoise: 0.1, selfCondition: true }, 16, 3],
  ['dcgan', { model: 'dcgan' }, 32, 1],
  ['dcgan chainer', { model: 'dcgan', variant: 'chainer' }, 32, 1],
  ['stylegan2', { model: 'stylegan2' }, 32, 1],
]

const argsOf = (count: number, weights = 'raw', first = 0): Spec => ({
  weights,
  logSnr: [-3, 0, 3],
  seeds: Array.from({ length: count }, (_, i) => first + i),
})

const lossOf = (trainer: NativeTrainer, size: number, count: number, args = argsOf(count)) =>
  trainer.loss(drawnPixels(count, size, 3), [count, size, size, 3], args)

/** Every byte that a checkpoint would hold. */
async function bytesOf(trainer: NativeTrainer): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const { name } of await trainer.tensors()) parts.push(await trainer.tensor(name))
  return Buffer.concat(parts)
}

describe.each(models)('%s', (_, options, size, rows) => {
  test('gives each picture its own values, whatever is beside it', async () => {
    const trainer = await smallTrainer(addon, options, 10, cpuOps)
    await trainer.step(2)
    const all = await lossOf(trainer, size, 5)
    expect(all).toHaveLength(5 * rows)
    expect([...all].every(Number.isFinite)).toBe(true)
    const first = await lossOf(trainer, size, 2)
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < 2; i++) expect(first[row * 2 + i]).toBeCloseTo(all[row * 5 + i]!, 4)
    expect(await lossOf(trainer, size, 5)).toEqual(all)
  })

  test.each([[[]], [undefined]])('leaves no trace in training (ops %j)', async (ops) => {
    const runs = await Promise.all(
      [false, true].map(async (looks) => {
        const trainer = await smallTrainer(addon, options, 10, ops ?? cpuOps)
        for (let unit = 0; unit < 2; unit++) {
          await trainer.step(2)
          if (looks) await lossOf(trainer, size, 4)
        }
        return bytesOf(trainer)
      }),
    )
    expect(runs[0]!.equals(runs[1]!)).toBe(true)
  })

  test('refuses pictures of another size: SHAPE_INVALID', async () => {
    const trainer = await smallTrainer(addon, options)
    await expect(lossOf(trainer, 8, 2)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(trainer.loss(new Uint8Array(3), [1, size, size, 3], argsOf(1))).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
    })
  })
})

describe('diffusion', () => {
  test('averaged weights are others than the latest', async () => {
    const trainer = await smallTrainer(addon, { lr: 0.01, emaEvery: 1000 }, 10, cpuOps)
    await trainer.step(5)
    const [raw, ema] = [await lossOf(trainer, 16, 3), await lossOf(trainer, 16, 3, argsOf(3, 'ema'))]
    expect(ema).not.toEqual(raw)
  })

  test('training lowers it at every level', async () => {
    const trainer = await smallTrainer(addon, { lr: 0.01 }, 10, cpuOps)
    const means = async () => {
      const losses = await lossOf(trainer, 16, 4)
      return [0, 1, 2].map((row) => losses.subarray(4 * row, 4 * row + 4).reduce((sum, loss) => sum + loss) / 4)
    }
    const before = await means()
    await trainer.step(12)
    for (const [row, mean] of (await means()).entries()) expect(mean).toBeLessThan(before[row]!)
  })

  test('needs a seed for each picture, and weights that there are', async () => {
    const trainer = await smallTrainer(addon, { emaDecay: null })
    await expect(lossOf(trainer, 16, 3, argsOf(2))).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringContaining('a seed for each of 3 pictures'),
    })
    await expect(lossOf(trainer, 16, 3, argsOf(3, 'ema'))).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
    await expect(trainer.loss(drawnPixels(1, 16, 3), [1, 16, 16, 3], {})).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
    })
    expect(() => trainer.loss('pixels' as never, [1, 16, 16, 3], argsOf(1))).toThrow(/Uint8Array/)
  })
})
