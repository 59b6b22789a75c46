/** The native pixel index in plain TypeScript, for tests that need no native build. */
import type { NativePixelIndex } from '../../lib/native/evaluate.ts'

export type FakeIndex = NativePixelIndex & { disposed: boolean }

export function fakePixelIndex(pixels: Uint8Array, shape: readonly number[]): FakeIndex {
  const [count, height, width, channels] = shape as [number, number, number, number]
  const bytes = height * width * channels
  const at = (picture: number, x: number, mirror: boolean) => {
    const column = Math.floor(x / channels) % width
    const other = mirror ? x + (width - 1 - 2 * column) * channels : x
    return picture * bytes + other
  }
  function distance(picture: Uint8Array, of: number, mirror: boolean): number {
    let sum = 0
    for (let x = 0; x < bytes; x++) sum += (picture[x]! - pixels[at(of, x, mirror)]!) ** 2
    return Math.sqrt(sum / bytes)
  }
  return {
    disposed: false,
    async nearest(others, [n], { k, mirrored }) {
      const indices = new Int32Array(n! * k)
      const distances = new Float64Array(n! * k)
      for (let i = 0; i < n!; i++) {
        const picture = others.subarray(i * bytes, (i + 1) * bytes)
        const all = Array.from({ length: count }, (_, of) => {
          const plain = distance(picture, of, false)
          return { of, far: mirrored ? Math.min(plain, distance(picture, of, true)) : plain }
        }).sort((a, b) => a.far - b.far || a.of - b.of)
        for (const [place, { of, far }] of all.slice(0, k).entries()) {
          indices[i * k + place] = of
          distances[i * k + place] = far
        }
      }
      return { indices, distances }
    },
    dispose() {
      this.disposed = true
    },
  }
}
