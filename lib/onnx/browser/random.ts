/** PyTorch's CPU generator: what `torch.manual_seed(seed)` and then `torch.randn` or `uniform_` give, bit for bit. */
import { log, sincos } from './torch-math.ts'

const N = 624
const M = 397
const f = Math.fround
const TWO_PI = f(2 * Math.PI)
/** torch.randn takes another way for fewer values. */
const BLOCK = 16

function twist(u: number, v: number): number {
  const mixed = ((u & 0x80000000) | (v & 0x7fffffff)) >>> 1
  return (mixed ^ ((v & 1) !== 0 ? 0x9908b0df : 0)) >>> 0
}

/** A Mersenne Twister, MT19937, with the draws of ATen on a CPU that has AVX2. */
export class TorchGenerator {
  readonly #words = new Uint32Array(N)
  #next = N
  /** The second value of a pair that only one was asked of. */
  #cached: number | undefined

  /** Of `seed`, an integer from 0 to 2^53 - 1, the lowest 32 bits count. */
  constructor(seed: number) {
    this.#words[0] = seed % 2 ** 32
    for (let i = 1; i < N; i++) {
      const last = this.#words[i - 1]!
      this.#words[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i
    }
  }

  #refill(): void {
    const w = this.#words
    for (let i = 0; i < N; i++) w[i] = w[(i + M) % N]! ^ twist(w[i]!, w[(i + 1) % N]!)
    this.#next = 0
  }

  /** 32 bits. */
  word(): number {
    if (this.#next === N) this.#refill()
    let y = this.#words[this.#next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    y ^= y >>> 18
    return y >>> 0
  }

  #single(): number {
    return (this.word() & 0xffffff) / 2 ** 24
  }

  #double(): number {
    const high = this.word() & 0x1fffff
    return (high * 2 ** 32 + this.word()) / 2 ** 53
  }

  /** `torch.empty(count).uniform_(-1, 1)`. */
  uniform(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.#single() * 2 - 1)
  }

  /** `torch.randn(count)`. */
  normal(count: number): Float32Array {
    if (count < BLOCK) return Float32Array.from({ length: count }, () => this.#one())
    const values = Float32Array.from({ length: count }, () => this.#single())
    for (let i = 0; i + BLOCK <= count; i += BLOCK) boxMuller(values, i)
    if (count % BLOCK !== 0) {
      for (let i = count - BLOCK; i < count; i++) values[i] = this.#single()
      boxMuller(values, count - BLOCK)
    }
    return values
  }

  #one(): number {
    if (this.#cached !== undefined) {
      const value = this.#cached
      this.#cached = undefined
      return value
    }
    const angle = 2 * Math.PI * this.#double()
    const radius = Math.sqrt(-2 * Math.log1p(-this.#double()))
    this.#cached = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

/** Makes normal values of 16 uniform ones, in place. */
function boxMuller(values: Float32Array, begin: number): void {
  for (let i = begin; i < begin + BLOCK / 2; i++) {
    const radius = f(Math.sqrt(f(-2 * log(f(1 - values[i]!)))))
    const [sin, cos] = sincos(f(TWO_PI * values[i + BLOCK / 2]!))
    values[i] = radius * cos
    values[i + BLOCK / 2] = radius * sin
  }
}
