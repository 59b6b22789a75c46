import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MemoryPixelStore } from '../../../lib/data/pixel-store.ts'
import { asRgb, batchesOf, colourOf, fileSet, range, subset, toRgb } from '../../../lib/evaluate/pictures.ts'
import { pixelVariance } from '../../../lib/evaluate/spread.ts'
import { writeDurable } from '../../../lib/files/write.ts'
import { encodePicture } from '../../../lib/images/encode.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { noise } from '../../helpers/pictures.ts'

describe('toRgb()', () => {
  test('grey is three equal channels, colour is as it was', () => {
    expect([...toRgb(Uint8Array.of(7, 200), 1, [0, 0, 0])]).toEqual([7, 7, 7, 200, 200, 200])
    const colour = Uint8Array.of(1, 2, 3)
    expect(toRgb(colour, 3, [0, 0, 0])).toBe(colour)
  })

  test('what is transparent shows the background, and nothing of what it hides', () => {
    const rgba = Uint8Array.of(10, 20, 30, 255, 99, 99, 99, 0, 0, 100, 200, 51)
    expect([...toRgb(rgba, 4, [255, 0, 50])]).toEqual([10, 20, 30, 255, 0, 50, 204, 20, 80])
  })

  test.each([
    ['#fff', [255, 255, 255]],
    ['#0a80FF', [10, 128, 255]],
  ])('%s is a colour', (hex, colour) => expect(colourOf(hex)).toEqual(colour))
})

describe.each([1, 3, 4] as const)('files of %d channels', (channels) => {
  test('are read as they were saved, to the bit, whatever is between', async () => {
    const [folder, size] = [temporaryFolder(), 8]
    const bytes = size * size * channels
    const pixels = Uint8Array.from({ length: 5 * bytes }, (_, i) => noise(i))
    const names = Array.from({ length: 5 }, (_, i) => `seed-${i}.png`)
    for (const [i, name] of names.entries()) {
      const shape = { width: size, height: size, channels }
      const png = await encodePicture(pixels.subarray(i * bytes, (i + 1) * bytes), shape, 'png', { seed: i })
      await writeDurable(join(folder, name), png)
    }
    const set = fileSet({ folder, names, size, channels })
    expect(Buffer.from(await set.read(range(0, 5))).equals(pixels)).toBe(true)
    expect(asRgb(set, '#ffffff').channels).toBe(3)
    const some = await subset(set, [4, 0]).read([0, 1])
    expect(Buffer.from(some.subarray(0, bytes)).equals(pixels.subarray(4 * bytes))).toBe(true)
    await expect(fileSet({ folder, names: ['none.png'], size, channels }).read([0])).rejects.toMatchObject({
      code: 'FILE_FAILED',
    })
  })
})

test('batchesOf() gives all pictures once, in their order', async () => {
  const set = new MemoryPixelStore(
    Uint8Array.from({ length: 7 * 12 }, (_, i) => Math.floor(i / 12)),
    {
      size: 2,
      channels: 3,
    },
  )
  const seen: [number, number, number][] = []
  for await (const { begin, rows, shape } of batchesOf(set, 3)) seen.push([begin, shape[0], rows[0]!])
  expect(seen).toEqual([
    [0, 3, 0],
    [3, 3, 3],
    [6, 1, 6],
  ])
})

test('pixelVariance() is that of each value over the pictures', async () => {
  const set = new MemoryPixelStore(Uint8Array.of(0, 10, 4, 10), { size: 1, channels: 1 })
  expect(await pixelVariance(set)).toBeCloseTo((0 + 100 + 16 + 100) / 4 - 6 ** 2)
  const same = new MemoryPixelStore(new Uint8Array(48).fill(9), { size: 2, channels: 3 })
  expect(await pixelVariance(same)).toBe(0)
})
