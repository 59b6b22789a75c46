/** The average of EDM2's form, and a learning rate whose course ends elsewhere than planned. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const WEIGHT = 'model.downs.0.0.block1.proj.weight'

async function valuesOf(trainer: NativeTrainer, name: string): Promise<Float32Array> {
  const bytes = await trainer.tensor(name)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Karras 2024, equation 12, solved here by trying. */
function exponentOf(length: number): number {
  let gamma = 0
  while (Math.sqrt((gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3))) > length) gamma += 1e-4
  return gamma
}

describe('emaLength', () => {
  test.each([
    { emaLength: 0.1, emaEvery: 1 },
    { emaLength: 0.25, emaEvery: 2 },
  ])('$emaLength every $emaEvery averages by a power of the updates, from the first one on', async (options) => {
    const trainer = await smallTrainer(addon, { ...options, lr: 0.01 })
    const gamma = exponentOf(options.emaLength)
    let expected: number[] = []
    for (let update = 0; update < 7; update++) {
      await trainer.step(1)
      if (update % options.emaEvery !== 0) continue
      const decay = (1 - 1 / (update / options.emaEvery + 1)) ** (gamma + 1)
      const weights = [...(await valuesOf(trainer, WEIGHT))]
      expected = weights.map((weight, i) => (update === 0 ? weight : decay * expected[i]! + (1 - decay) * weight))
    }
    const average = await valuesOf(trainer, `ema.${WEIGHT}`)
    for (const [i, value] of expected.entries()) expect(average[i]).toBeCloseTo(value, 5)
    // An average of all, it is none of them.
    expect([...average]).not.toEqual([...(await valuesOf(trainer, WEIGHT))])
  })

  test('goes on from a checkpoint as if it had not stopped', async () => {
    const options = { emaLength: 0.1, emaEvery: 1 }
    const whole = await smallTrainer(addon, options)
    await whole.step(3)
    const saved = await Promise.all(
      (await whole.tensors()).map(async (info) => ({ ...info, bytes: await whole.tensor(info.name) })),
    )
    const resumed = await smallTrainer(addon, options)
    await resumed.load(saved, 'same')
    for (const trainer of [whole, resumed]) await trainer.step(2)
    expect(await resumed.tensor(`ema.${WEIGHT}`)).toEqual(await whole.tensor(`ema.${WEIGHT}`))
  })
})

describe('endAt()', () => {
  test('moves the end of the learning rate and nothing else', async () => {
    const options = { lr: 0.01, lrSchedule: 'linear', maxImages: 80, model: 'diffusion' } as const
    const trainer = await smallTrainer(addon, options, 4)
    const planned = (await trainer.step(2)).learningRate!
    expect(planned[1]).toBeCloseTo(0.01 * (1 - 4 / 80), 8)
    await trainer.endAt(16)
    expect((await trainer.step(3)).learningRate).toEqual([8, 12, 16].map((images) => 0.01 * (1 - images / 16)))
  })

  test.each([{ count: -1 }, { count: '8' }])('$count is no number of images', async ({ count }) => {
    const trainer = await smallTrainer(addon, {})
    await expect(async () => trainer.endAt(count as number)).rejects.toThrow()
  })
})
