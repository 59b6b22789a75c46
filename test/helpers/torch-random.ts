/** PyTorch's CPU generator, from the state that a checkpoint keeps: what a run draws next, to see without asking it. */

const N = 624
const M = 397

/** Layout of torch's CPUGeneratorImplState: seed u64, left i32, seeded i32, next u64, 624 words of u64, then normals. */
const LEFT = 8
const NEXT = 16
const WORDS = 24

function twist(u: number, v: number): number {
  const mixed = ((u & 0x80000000) | (v & 0x7fffffff)) >>> 1
  return (mixed ^ ((v & 1) !== 0 ? 0x9908b0df : 0)) >>> 0
}

/** A Mersenne Twister, MT19937, with the draws of ATen. */
export class TorchRandom {
  readonly #words = new Uint32Array(N)
  #left: number
  #next: number

  /** From a generator's state, or from a seed as `torch.manual_seed` takes it. */
  constructor(from: Uint8Array | bigint) {
    if (typeof from === 'bigint') {
      this.#words[0] = Number(from & 0xffffffffn)
      for (let i = 1; i < N; i++) {
        const last = this.#words[i - 1]!
        this.#words[i] = (Math.imul(1812433253, last ^ (last >>> 30)) + i) >>> 0
      }
      this.#left = 1
      this.#next = 0
      return
    }
    const view = new DataView(from.buffer, from.byteOffset, from.byteLength)
    this.#left = view.getInt32(LEFT, true)
    this.#next = Number(view.getBigUint64(NEXT, true))
    for (let i = 0; i < N; i++) this.#words[i] = Number(view.getBigUint64(WORDS + 8 * i, true))
  }

  /** Whether a generator in `state` would draw the same from here on. */
  standsAt(state: Uint8Array): boolean {
    const other = new TorchRandom(state)
    return Array.from({ length: 4 }, () => this.word() === other.word()).every(Boolean)
  }

  #refill(): void {
    const w = this.#words
    for (let i = 0; i < N; i++) w[i] = (w[(i + M) % N]! ^ twist(w[i]!, w[(i + 1) % N]!)) >>> 0
    this.#left = N
    this.#next = 0
  }

  /** 32 bits. */
  word(): number {
    if (--this.#left === 0) this.#refill()
    let y = this.#words[this.#next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    y ^= y >>> 18
    return y >>> 0
  }

  /** `torch.empty((), dtype=int64).random_()`: 0 to 2^63 - 1. */
  seed(): bigint {
    const high = BigInt(this.word())
    return ((high << 32n) | BigInt(this.word())) % (1n << 63n)
  }

  /** `torch.rand(1)`. */
  uniform(): number {
    return (this.word() & 0xffffff) / 2 ** 24
  }

  /** `torch.randint(range, (count,))` for a small range. */
  integers(range: number, count: number): number[] {
    return Array.from({ length: count }, () => this.word() % range)
  }

  /**
   * `torch.randn(count)` for 16 or more, to the accuracy of float32: Box-Muller over blocks of 16 uniforms. Where
   * count is no multiple of 16, the last 16 are drawn anew.
   */
  normals(count: number): Float64Array {
    const values = Float64Array.from({ length: count }, () => this.uniform())
    const fill = (block: Float64Array) => {
      for (let j = 0; j < 8; j++) {
        const radius = Math.sqrt(-2 * Math.log(Math.fround(1 - block[j]!)))
        const angle = 2 * Math.PI * block[j + 8]!
        block[j] = radius * Math.cos(angle)
        block[j + 8] = radius * Math.sin(angle)
      }
    }
    for (let i = 0; i + 16 <= count; i += 16) fill(values.subarray(i, i + 16))
    if (count % 16 !== 0) {
      const last = values.subarray(count - 16)
      for (let j = 0; j < 16; j++) last[j] = this.uniform()
      fill(last)
    }
    return values
  }
}
