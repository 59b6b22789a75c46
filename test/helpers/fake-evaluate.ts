/** The native part of an evaluation by pixels, played in plain loops: exact, and for a few small pictures only. */
import type { PixelNative } from '../../lib/evaluate/by-pixels.ts'
import type { NativePatches } from '../../lib/native/evaluate.ts'

type Shape = readonly number[]

/** A row of pixels at its mirror image's places. */
function mirror(row: Uint8Array, [, height, width, channels]: Shape): Uint8Array {
  const result = new Uint8Array(row.length)
  for (let y = 0; y < height!; y++)
    for (let x = 0; x < width!; x++)
      for (let c = 0; c < channels!; c++)
        result[(y * width! + x) * channels! + c] = row[(y * width! + width! - 1 - x) * channels! + c]!
  return result
}

function distance(a: Uint8Array, b: Uint8Array, metric: 'l1' | 'l2'): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += metric === 'l1' ? Math.abs(a[i]! - b[i]!) : (a[i]! - b[i]!) ** 2
  return metric === 'l1' ? sum / a.length : Math.sqrt(sum / a.length)
}

const rowsOf = (pixels: Uint8Array, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => pixels.slice((i * pixels.length) / count, ((i + 1) * pixels.length) / count))

/** Records what is not disposed of. */
export function fakeEvaluate(): PixelNative & { held: number } {
  const values = new Map<NativePatches, number[]>()
  const native: PixelNative & { held: number } = {
    held: 0,
    async pixelIndex(pixels, shape) {
      native.held += 1
      const reference = rowsOf(pixels, shape[0]!)
      return {
        async nearest(given, givenShape, { k, metric, mirrored }) {
          const found = rowsOf(given, givenShape[0]!).map((row) => {
            const forms = mirrored ? [row, mirror(row, givenShape)] : [row]
            return reference
              .map((other, index) => ({ index, by: Math.min(...forms.map((form) => distance(form, other, metric))) }))
              .sort((a, b) => a.by - b.by || a.index - b.index)
              .slice(0, k)
          })
          return {
            indices: Int32Array.from(found.flat(), ({ index }) => index),
            distances: Float64Array.from(found.flat(), ({ by }) => by),
          }
        },
        dispose: () => {
          native.held -= 1
        },
      }
    },
    async patches() {
      native.held += 1
      const patches: NativePatches = {
        append: async (pixels) => void values.set(patches, [...(values.get(patches) ?? []), ...pixels]),
        dispose: () => {
          native.held -= 1
        },
      }
      return patches
    },
    // Of all values as one distribution.
    async slicedWasserstein(a, b) {
      native.held += 1
      const [first, second] = [a, b].map((patches) => values.get(patches)!.sort((x, y) => x - y)) as [
        number[],
        number[],
      ]
      const quantiles = Array.from({ length: 64 }, (_, i) => (i + 0.5) / 64)
      const at = (list: number[], share: number) => list[Math.floor(share * list.length)]!
      const value = quantiles.reduce((sum, share) => sum + Math.abs(at(first, share) - at(second, share)), 0) / 64
      return {
        step: async () => true,
        progress: async () => 1,
        result: async () => ({ value, levels: Float64Array.of(value), heights: Float64Array.of(0) }),
        dispose: () => {
          native.held -= 1
        },
      }
    },
  }
  return native
}
