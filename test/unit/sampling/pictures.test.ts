/** R38: pictures that are a single colour are known as such. */
import { describe, expect, test } from 'vitest'
import { Pictures } from '../../../lib/sampling/pictures.ts'
import { type Colour, noise } from '../../helpers/pictures.ts'

const SIZE = 8
const drawn = (colours: readonly ((i: number) => Colour)[]) => {
  const pixels = colours.flatMap((colourAt) => Array.from({ length: SIZE * SIZE }, (_, i) => colourAt(i)).flat())
  const channels = colours[0]!(0).length
  return new Pictures(Uint8Array.from(pixels), SIZE, channels, [...colours.keys()], {})
}

describe('R38 flat pictures', () => {
  test('are black ones, white ones and those of any colour, give or take a little', () => {
    const pictures = drawn([
      () => [0, 0, 0],
      (i) => [noise(i), 0, 0],
      () => [255, 255, 255],
      (i) => [200, 10 + (i % 3), 77],
      (i) => [i === 63 ? 3 : 0, 0, 0],
    ])
    expect(pictures.flat).toEqual([0, 2, 3])
  })

  test('may have one channel or four', () => {
    expect(drawn([() => [9], (i) => [i * 4]]).flat).toEqual([0])
    expect(drawn([() => [1, 2, 3, 0], (i) => [1, 2, 3, i * 4]]).flat).toEqual([0])
  })
})
