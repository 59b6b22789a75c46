/** R37: NaN and infinities of a file are in no checkpoint. test/native/finite.test.ts has those of a run. */
import { describe, expect, test } from 'vitest'
import { firstNotFinite } from '../../../lib/convert/import/finite.ts'

const bytesOf = (array: Float32Array | Float64Array | Uint16Array) => new Uint8Array(array.buffer)
const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const right = [0, -0, 1, -1.5, 3.4e38, -3.4e38, 1.4e-45]

describe('R37 the search for NaN and infinities', () => {
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
