/** The grid of the samples that are nearest to training pictures. */
import sharp from 'sharp'
import { expect, test } from 'vitest'
import type { PixelStore } from '../../../lib/data/pixel-store.ts'
import { NearestPairs } from '../../../lib/train/nearest-pairs.ts'

const SIZE = 4
const flat = (value: number) => new Uint8Array(SIZE * SIZE).fill(value)

/** Training picture `i` has the value 100 + i; every read is into the same memory, as that of a store is. */
function storeOf(): PixelStore {
  const memory = flat(0)
  const read = async ([index]: readonly number[]) => memory.fill(100 + index!)
  return { size: SIZE, channels: 1, read } as unknown as PixelStore
}

/** The value in the middle of each picture of the grid, row by row. */
async function valuesOf(png: Uint8Array, columns: number): Promise<number[][]> {
  const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  const pitch = SIZE + 2
  expect([info.width, info.height]).toEqual([columns * pitch + 2, 2 * pitch + 2])
  const at = (row: number, column: number) =>
    data[((row * pitch + 4) * info.width + column * pitch + 4) * info.channels]!
  return [0, 1].map((row) => Array.from({ length: columns }, (_, column) => at(row, column)))
}

test('each sample is above its training picture, the nearest first', async () => {
  const pairs = new NearestPairs()
  pairs.add([flat(1), flat(2)], { index: Int32Array.of(7, 3), ratio: Float64Array.of(0.9, 0.5) })
  pairs.add([flat(3)], { index: Int32Array.of(5), ratio: Float64Array.of(0.1) })
  expect(await valuesOf(await pairs.grid(storeOf()), 3)).toEqual([
    [3, 2, 1],
    [105, 103, 107],
  ])
})

test('eight are kept, however many are looked at and whenever they come', async () => {
  const pairs = new NearestPairs()
  for (let look = 0; look < 4; look++) {
    const values = [0, 1, 2, 3, 4].map((i) => (7 * (5 * look + i)) % 20)
    pairs.add(values.map(flat), { index: Int32Array.from(values), ratio: Float64Array.from(values, (v) => v / 20) })
  }
  const nearest = [0, 1, 2, 3, 4, 5, 6, 7]
  expect(await valuesOf(await pairs.grid(storeOf()), 8)).toEqual([nearest, nearest.map((i) => 100 + i)])
})
