/** The samples of a look that are nearest to training pictures, as one grid: each above its training picture. */
import { buffer } from 'node:stream/consumers'
import type { PixelStore } from '../data/pixel-store.ts'
import type { Nearest } from '../evaluate/copies.ts'
import { encodeGrid } from '../images/grid.ts'

/** More are not looked at by a person. */
const MAX_PAIRS = 8

type Pair = { pixels: Uint8Array; index: number; ratio: number }

export class NearestPairs {
  #pairs: Pair[] = []

  /** Takes samples, uint8 [size, size, channels] each, with what was found of them; keeps the nearest. */
  add(pictures: readonly Uint8Array[], { index, ratio }: Pick<Nearest, 'index' | 'ratio'>): void {
    const found = pictures.map((pixels, i) => ({ pixels, index: index[i]!, ratio: ratio[i]! }))
    this.#pairs = [...this.#pairs, ...found].sort((a, b) => a.ratio - b.ratio).slice(0, MAX_PAIRS)
  }

  /** PNG of two rows. */
  async grid(store: PixelStore): Promise<Uint8Array> {
    const { size, channels } = store
    const theirs: Uint8Array[] = []
    for (const { index } of this.#pairs) theirs.push((await store.read([index])).slice())
    const pictures = [...this.#pairs.map(({ pixels }) => pixels), ...theirs]
    const shape = { count: pictures.length, size, channels, columns: this.#pairs.length }
    return buffer(encodeGrid(pictures, shape, 'png'))
  }
}
