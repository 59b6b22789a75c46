/** A picture in numbers: tone, detail at each size, blocks. */
import { describe, expect, test } from 'vitest'
import { isMeasures, measuresOf } from '../../../lib/images/measures.ts'
import { noise } from '../../helpers/pictures.ts'

const square = (size: number, channels: number, valueAt: (x: number, y: number, channel: number) => number) =>
  measuresOf(
    Uint8Array.from({ length: size * size * channels }, (_, i) =>
      valueAt(Math.floor(i / channels) % size, Math.floor(i / channels / size), i % channels),
    ),
    { size, channels },
  )

describe('tone', () => {
  test('of one colour: its brightness, its colour, no contrast', () => {
    // JPEG's differences of (200, 100, 50), whose brightness is 124.2: -41.85 and 54.05.
    const { brightness, contrast, colour, colourContrast } = square(
      16,
      3,
      (_x, _y, channel) => [200, 100, 50][channel]!,
    )
    expect(brightness).toBeCloseTo(124.2, 2)
    expect(colour).toBeCloseTo(Math.hypot(41.85, 54.05), 1)
    expect([contrast, colourContrast]).toEqual([0, 0])
  })

  test('grey has no colour, with one channel or three; transparent pixels are white', () => {
    expect(square(16, 1, () => 90)).toMatchObject({ brightness: 90, colour: 0 })
    expect(square(16, 3, () => 90)).toMatchObject({ brightness: 90, colour: 0 })
    expect(square(16, 4, (_x, _y, channel) => (channel === 3 ? 0 : 90)).brightness).toBe(255)
  })

  test('halves of black and white have the largest contrast; of equal brightness, contrast in colour alone', () => {
    expect(square(16, 3, (x) => (x < 8 ? 0 : 255)).contrast).toBeCloseTo(127.5, 2)
    const halves = square(16, 3, (x, _y, channel) => [x < 8 ? 200 : 100, 100, x < 8 ? 100 : 200][channel]!)
    expect(halves.colourContrast).toBeGreaterThan(30)
  })
})

describe('detail', () => {
  test('there is none in a slope, and as many levels as the size has halves of at least 8', () => {
    const { detail } = square(64, 3, (x) => 2 * x)
    expect(detail.map((value) => Math.round(value))).toEqual([0, 0, 0, 0])
    expect(square(16, 3, () => 0).detail).toHaveLength(2)
    expect(square(8, 3, () => 0).detail).toHaveLength(1)
  })

  test('of noise is finest, of waves that are twice as long it is a quarter', () => {
    const [first, second] = square(64, 1, (x, y) => noise(64 * y + x)).detail
    expect(first! / second!).toBeGreaterThan(1.5)
    const wave = (length: number) => square(64, 1, (x) => 127 + 100 * Math.sin((2 * Math.PI * x) / length)).detail[0]!
    expect(wave(16) / wave(32)).toBeGreaterThan(3.5)
    expect(wave(16) / wave(32)).toBeLessThan(4.5)
  })

  test('blocks of one colour leave nothing, at as many sizes as they have halves', () => {
    const inBlocks = (side: number) =>
      square(64, 1, (x, y) => noise(100 * Math.floor(y / side) + Math.floor(x / side))).blocks.map((value) => value > 0)
    expect(inBlocks(1)).toEqual([true, true, true, true])
    expect(inBlocks(2)).toEqual([false, true, true, true])
    expect(inBlocks(4)).toEqual([false, false, true, true])
  })
})

test('what has the form of measures is told from what has not', () => {
  const good = square(8, 3, () => 1)
  expect(isMeasures(JSON.parse(JSON.stringify(good)))).toBe(true)
  const wrong = [null, 1, {}, { ...good, brightness: '1' }, { ...good, detail: 1 }, { ...good, detail: [null] }]
  for (const value of [...wrong, { ...good, blocks: new Array(100).fill(1) }]) expect(isMeasures(value)).toBe(false)
})
