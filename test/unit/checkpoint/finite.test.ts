/** R37: what is no number is in no checkpoint. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { firstNotFinite } from '../../../lib/checkpoint/finite.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { tally } from '../../helpers/tally.ts'
import { saveRequest, tensorBytes, trainerTensors } from '../../helpers/tensors.ts'

const bytesOf = (array: Float32Array | Float64Array | Uint16Array) => new Uint8Array(array.buffer)
const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const right = [0, -0, 1, -1.5, 3.4e38, -3.4e38, 1.4e-45]

describe('R37 the search for numbers that are none', () => {
  test.each(wrong)('finds %s wherever it is', async (value) => {
    for (const at of [0, 3, 6]) {
      for (const array of [Float32Array.from(right), Float64Array.from(right)]) {
        const dtype = array instanceof Float32Array ? 'F32' : 'F64'
        expect(await firstNotFinite(dtype, bytesOf(array))).toBeUndefined()
        array[at] = value
        expect(await firstNotFinite(dtype, bytesOf(array))).toBe(at)
      }
    }
  })

  test('knows half the precision, and that integers are numbers', async () => {
    const halves = Uint16Array.of(0x0000, 0x7bff, 0xfbff, 0x7f7f)
    expect(await firstNotFinite('BF16', bytesOf(halves))).toBeUndefined()
    expect(await firstNotFinite('F16', bytesOf(halves))).toBe(3)
    expect(await firstNotFinite('BF16', bytesOf(Uint16Array.of(0x3f80, 0x7f80)))).toBe(1)
    expect(await firstNotFinite('F16', bytesOf(Uint16Array.of(0x3c00, 0x7c00, 0x7e00)))).toBe(1)
    for (const dtype of ['I64', 'U8', 'BOOL'])
      expect(await firstNotFinite(dtype, new Uint8Array(16).fill(255))).toBeUndefined()
  })

  test('goes through large tensors, and through bytes at odd places', async () => {
    const large = new Float32Array(1 << 21)
    expect(await firstNotFinite('F32', bytesOf(large))).toBeUndefined()
    large[large.length - 1] = Number.NaN
    expect(await firstNotFinite('F32', bytesOf(large))).toBe(large.length - 1)
    const odd = new Uint8Array(13)
    odd.set(bytesOf(Float32Array.of(1, Number.NaN, 1)), 1)
    expect(await firstNotFinite('F32', odd.subarray(1))).toBe(1)
  })
})

describe('R37 a save', () => {
  const plant = (tensor: string, value: number) => async (name: string) => {
    const bytes = tensorBytes(name, 256)
    if (name === tensor) new Float32Array(bytes.buffer)[5] = value
    return bytes
  }

  test.each(['model.weight', 'ema.model.weight', 'optimizer.exp_avg.model.weight'])(
    'of one infinite element in %s is refused, and leaves the checkpoint before it',
    async (tensor) => {
      const run = temporaryFolder()
      const { folder } = await saveCheckpoint(run, saveRequest(128))
      for (const value of wrong) {
        await expect(saveCheckpoint(run, saveRequest(256, { readTensor: plant(tensor, value) }))).rejects.toMatchObject(
          {
            code: 'WEIGHTS_NOT_FINITE',
            message: expect.stringContaining(`256 images was not saved: element 5 of tensor "${tensor}"`),
            details: { images: 256, tensor, element: 5 },
          },
        )
      }
      expect((await newestValidCheckpoint(run)).folder).toBe(folder)
      expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['000000128', 'latest.json'])
      await saveCheckpoint(run, saveRequest(256, { readTensor: plant(tensor, 1) }))
      tally(
        `NaN or infinity in \`${tensor}\`: the save refused, the checkpoint before it left`,
        wrong.length,
        wrong.length,
      )
    },
  )

  test('of all tensors a trainer has passes, whatever their type', async () => {
    expect(new Set(trainerTensors.map(({ dtype }) => dtype))).toEqual(new Set(['F32', 'BOOL', 'I64', 'U8']))
    await saveCheckpoint(temporaryFolder(), saveRequest(128))
  })
})
