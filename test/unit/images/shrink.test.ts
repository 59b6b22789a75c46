import { expect, test } from 'vitest'
import { shrink } from '../../../lib/images/shrink.ts'

test('averages areas, whole ones and parts of pixels, each channel by itself', () => {
  const two = Uint8Array.from([0, 10, 100, 30, 40, 50, 60, 70]) // 2 x 2 of 2 channels
  expect([...shrink(two, 2, 2, 1)]).toEqual([50, 40])
  // 3 to 2: the middle column and row belong to both halves.
  const three = Uint8Array.from([0, 90, 180, 0, 90, 180, 0, 90, 180])
  expect([...shrink(three, 3, 1, 2)]).toEqual([30, 150, 30, 150])
})

test('several pictures one by one; a flat one stays flat at any side', () => {
  const pixels = new Uint8Array(2 * 7 * 7 * 3).fill(77, 0, 7 * 7 * 3).fill(200, 7 * 7 * 3)
  for (const side of [1, 2, 3, 5, 6]) {
    const small = shrink(pixels, 7, 3, side)
    expect(small).toHaveLength(2 * side * side * 3)
    expect(new Set(small.subarray(0, side * side * 3))).toEqual(new Set([77]))
    expect(new Set(small.subarray(side * side * 3))).toEqual(new Set([200]))
  }
  expect(shrink(pixels, 7, 3, 7)).toBe(pixels)
})
