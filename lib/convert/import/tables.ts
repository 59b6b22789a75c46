/** What the tables over time in a file say: schedule, length, objective and loss weight. */

export type Schedule = 'linear' | 'cosine' | 'sigmoid'
export type Objective = 'noise' | 'x0' | 'v'

/** Single precision, and sums in another order. */
const TOLERANCE = 1e-3

const isClose = (a: number, b: number) => Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b)) + 1e-7
const areClose = (a: readonly number[], of: (t: number) => number) => a.every((value, t) => isClose(value, of(t)))

/** 1 - abar[t + 1] / abar[t], for the share of signal `abar` after a share of the time. */
function betasOf(steps: number, abar: (share: number) => number): number[] {
  return Array.from({ length: steps }, (_, t) =>
    Math.min(0.999, Math.max(0, 1 - abar((t + 1) / steps) / abar(t / steps))),
  )
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** Ho 2020 scaled to the length, Nichol 2021 eq. 17, Jabri 2022 figure 8; native/core/models/diffusion/schedule.cc computes them. */
const schedules: Readonly<Record<Schedule, (steps: number) => number[]>> = {
  linear: (steps) =>
    Array.from({ length: steps }, (_, t) => (1000 / steps) * (0.0001 + (0.0199 * t) / Math.max(1, steps - 1))),
  cosine: (steps) => betasOf(steps, (share) => Math.cos((((share + 0.008) / 1.008) * Math.PI) / 2) ** 2),
  sigmoid: (steps) => betasOf(steps, (share) => (sigmoid(3) - sigmoid(6 * share - 3)) / (sigmoid(3) - sigmoid(-3))),
}

/** The schedule that these betas are of; undefined where it is none of the known. */
export function scheduleOf(betas: readonly number[]): Schedule | undefined {
  const names = Object.keys(schedules) as Schedule[]
  return names.find((name) => {
    const known = schedules[name](betas.length)
    return areClose(betas, (t) => known[t]!)
  })
}

/** Signal-to-noise ratio at each time. 1 - abar is taken from its logarithm: near 1 the difference has no digits left. */
export const snrOf = (abar: readonly number[], logOneMinus: readonly number[]): number[] =>
  abar.map((value, t) => value / Math.exp(logOneMinus[t]!))

export type Weighting =
  | { objective?: Objective; lossWeight: 'none' }
  | { lossWeight: 'p2'; p2Gamma: number; p2K: number }
  | { objective: Objective; lossWeight: 'min-snr'; minSnrGamma: number }

/** Options are written as people would. */
const rounded = (value: number) => Number(value.toPrecision(4))

/** 0.26.4's weight is (k + snr)^-gamma, k 1; it does not depend on the objective. */
export function p2WeightingOf(weights: readonly number[], snr: readonly number[]): Weighting | undefined {
  if (areClose(weights, () => 1)) return { lossWeight: 'none' }
  const gamma = -Math.log(weights[0]!) / Math.log(1 + snr[0]!)
  if (!areClose(weights, (t) => (1 + snr[t]!) ** -gamma)) return undefined
  return { lossWeight: 'p2', p2Gamma: rounded(gamma), p2K: 1 }
}

/**
 * 2.x weights by the objective: 1 for noise, snr for x0, snr / (snr + 1) for v, with min(snr, gamma) in place of snr above
 * where min-SNR is on. Undefined where none fits.
 */
export function weightingOf(weights: readonly number[], snr: readonly number[]): Weighting | undefined {
  const shares: Readonly<Record<Objective, (snr: number) => number>> = {
    v: (ratio) => ratio + 1,
    noise: (ratio) => ratio,
    x0: () => 1,
  }
  if (!(weights[0]! > 0)) return undefined
  for (const [objective, share] of Object.entries(shares) as [Objective, (snr: number) => number][]) {
    // The ratio that was weighted with, largest at time 0.
    const clamp = weights[0]! * share(snr[0]!)
    if (!weights.every((weight, t) => isClose(weight * share(snr[t]!), Math.min(snr[t]!, clamp)))) continue
    if (isClose(clamp, snr[0]!)) return { objective, lossWeight: 'none' }
    return { objective, lossWeight: 'min-snr', minSnrGamma: rounded(clamp) }
  }
  return undefined
}
