/** Made-up rows, pictures and weights of a hash, the same as test/exactness/metrics.py makes. */
import type { HostTensor } from '../../lib/native/addon.ts'

/** Numbers in [-0.5, 0.5): murmur's mixing of the index. */
export function hashed(count: number, seed: number): Float64Array {
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let h = i + seed
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    values[i] = ((h ^ (h >>> 16)) >>> 0) / 2 ** 32 - 0.5
  }
  return values
}

/** FNV-1a. */
function seedOf(name: string): number {
  let seed = 2166136261
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619) >>> 0
  return seed
}

function tensor(name: string, shape: readonly number[], form: (value: number) => number): HostTensor {
  const count = shape.reduce((a, b) => a * b)
  const [numbers, values] = [hashed(count, seedOf(name)), new Float32Array(count)]
  for (let i = 0; i < count; i++) values[i] = form(numbers[i]!)
  return { name, dtype: 'F32', shape: [...shape], bytes: new Uint8Array(values.buffer) }
}

/** Weights of convolutions and the batch norms after them: [conv, norm, shape of the weight]. */
export function madeUpWeights(layers: readonly [string, string, number[]][]): HostTensor[] {
  return layers.flatMap(([conv, norm, shape]) => {
    const [channels, ...fan] = shape as [number, ...number[]]
    const spread = Math.sqrt(24 / fan.reduce((a, b) => a * b))
    return [
      tensor(`${conv}.weight`, shape, (value) => value * spread),
      tensor(`${norm}.weight`, [channels], (value) => 1 + 0.2 * value),
      tensor(`${norm}.bias`, [channels], (value) => 0.2 * value),
      tensor(`${norm}.running_mean`, [channels], (value) => 0.2 * value),
      tensor(`${norm}.running_var`, [channels], (value) => 1 + 0.5 * value),
    ]
  })
}

/** Rows of features whose spread grows from one feature to the next. */
export const hashedRows = (count: number, width: number, seed: number): Float32Array =>
  Float32Array.from(hashed(count * width, seed), (value, i) => value * (1 + (i % width) / width))

export const hashedPixels = (count: number, seed: number): Uint8Array =>
  Uint8Array.from(hashed(count, seed), (value) => Math.floor((value + 0.5) * 256))
