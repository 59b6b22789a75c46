/** Random choices that are the same on every machine: 32-bit integer arithmetic only. */

/** Mixes 32 bits so that every input bit reaches every output bit (the finaliser of MurmurHash3). */
function mix(bits: number): number {
  let h = bits | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A deterministic stream of choices. */
export type Random = {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True `percent` times in a hundred. */
  chance(percent: number): boolean
  /** One entry, all equally likely. */
  pick<T>(entries: readonly T[]): T
  /** One key, as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K
}

/** The stream for whole numbers `keys`: a Weyl sequence, mixed. All 53 bits of a key count. */
export function randomOf(...keys: number[]): Random {
  let state = 0x9e3779b9
  for (const key of keys) {
    state = mix(state ^ mix(key % 2 ** 32))
    state = mix(state + Math.floor(key / 2 ** 32) + 0x6d2b79f5)
  }
  const below = (count: number) => {
    state = (state + 0x9e3779b9) | 0
    return Math.floor((mix(state) * count) / 2 ** 32)
  }
  return {
    between: (low, high) => low + below(high - low + 1),
    chance: (percent) => below(100) < percent,
    pick: (entries) => entries[below(entries.length)]!,
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][]
      let rest = below(entries.reduce((sum, [, weight]) => sum + weight, 0))
      for (const [key, weight] of entries) {
        if (rest < weight) return key
        rest -= weight
      }
      throw new RangeError('the weights are empty')
    },
  }
}
