/** Float16 against what every value of it is by definition. */
import { expect, test } from 'vitest'
import { toHalf } from '../../../lib/onnx/half.ts'

const bitsOf = (...values: number[]) => [
  ...new Uint16Array(toHalf(new Uint8Array(Float32Array.from(values).buffer)).buffer),
]

/** The value of a finite float16. */
function numberOf(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

test('every finite float16 is itself', () => {
  const all = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => ((bits >> 10) & 31) < 31)
  expect(bitsOf(...all.map(numberOf))).toEqual(all)
})

test('others go to the nearest one, halves to the even one, and large ones to the largest', () => {
  expect(bitsOf(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20)).toEqual([0x3c00, 0x3c02, 0x3c01])
  expect(bitsOf(2 ** -25, 3 * 2 ** -26, 2047.9)).toEqual([0, 1, 0x6800])
  expect(bitsOf(1e6, -1e6)).toEqual([0x7bff, 0xfbff])
})
