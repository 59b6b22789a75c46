/** Means over pictures with what chance makes of them: seeded bootstrap, so that the same pictures give the same bounds. */

/** The bounds hold with 95 %. */
export type Interval = { value: number; low: number; high: number }

/** A generator of 32-bit words (Mulberry32); not for cryptography. */
export function words(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}

/** 0 to count - 1 in an order of the seed's. */
export function shuffled(count: number, seed: number): Int32Array {
  const next = words(seed)
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor((next() / 2 ** 32) * (i + 1))
    const kept = order[i]!
    order[i] = order[other]!
    order[other] = kept
  }
  return order
}

const RESAMPLES = 1000
/** With more values than this a bootstrap gives the bounds of the normal distribution, at a cost. */
const MAX_RESAMPLED = 10_000
/** Of the normal distribution: 95 % lie within so many standard deviations. */
const WITHIN_95 = 1.959964

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** Bounds around `value` that all but the share `outside` of `resampled` lie within. */
export function percentileInterval(value: number, resampled: ArrayLike<number>, outside = 0.05): Interval {
  const sorted = Float64Array.from(resampled).sort()
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))]!
  return { value, low: at(outside / 2), high: at(1 - outside / 2) }
}

/** The mean with its bounds: of 1,000 resamples, or of the normal distribution where values are many. At least one value. */
export function bootstrapMean(values: ArrayLike<number>, seed: number): Interval {
  const count = values.length
  const value = meanOf(values)
  if (count > MAX_RESAMPLED) {
    let squares = 0
    for (let i = 0; i < count; i++) squares += (values[i]! - value) ** 2
    const half = WITHIN_95 * Math.sqrt(squares / count / (count - 1))
    return { value, low: value - half, high: value + half }
  }
  const next = words(seed)
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += values[Math.floor((next() / 2 ** 32) * count)]!
    return sum / count
  })
  return percentileInterval(value, means)
}

/** A share with its bounds, of so many. */
export type Share = Interval & { n: number }

/**
 * The share of values that are 1, of 0s and 1s. Where all are equal, resamples are too; the bound on the open side is
 * then the exact one: what is in none of n is in less than 1 - 0.05^(1/n) of all, with 95 %.
 */
export function bootstrapShare(hits: ArrayLike<number>, seed: number): Share {
  const n = hits.length
  const { value, low, high } = bootstrapMean(hits, seed)
  const open = 1 - 0.05 ** (1 / n)
  return { value, low: value === 1 ? 1 - open : low, high: value === 0 ? open : high, n }
}

/**
 * Mean of `a` minus mean of `b`, each resampled by itself. `among`: of so many differences that are looked at together,
 * all lie within their bounds with 95 % (Bonferroni).
 */
export function bootstrapDifference(a: ArrayLike<number>, b: ArrayLike<number>, seed: number, among = 1): Interval {
  const next = words(seed)
  const resampled = (values: ArrayLike<number>) => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[Math.floor((next() / 2 ** 32) * values.length)]!
    return sum / values.length
  }
  const differences = Float64Array.from({ length: RESAMPLES * among }, () => resampled(a) - resampled(b))
  return percentileInterval(meanOf(a) - meanOf(b), differences, 0.05 / among)
}
