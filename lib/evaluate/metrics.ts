/** What an evaluation consists of: its numbers, what each stands on, and how a person reads it. */
import type { ExtractorName } from '../options/evaluate.ts'
import type { Interval } from './intervals.ts'

export type { Interval }

/** Null where it could not be had; `reasons` says why. */
export type Measured = number | Interval | null

/** Names of the numbers, in the order in which they are reported. */
export const metricNames = [
  'fid',
  'kid',
  'mind',
  'swd',
  'precision',
  'recall',
  'density',
  'coverage',
  'authPct',
  'nnMae',
  'nnMaeTrain',
  'nwi',
  'copyShare',
  'copyShareHeldOut',
] as const

export type MetricName = (typeof metricNames)[number]

export type Metrics = Record<MetricName, Measured>

/** The numbers of one set against a reference, and why some are missing. `n`: pictures that were measured. */
export type Judged = Metrics & { n: number; reasons: Partial<Record<MetricName, string>> }

/** The network behind FID, KID, MIND, precision, recall, density, coverage and AuthPct. */
export type ExtractorInfo = {
  name: ExtractorName
  /** SHA-256 of its weights' file. */
  sha256: string
  /** Length of a feature vector. */
  width: number
}

/** What the numbers mean beyond their names. */
export type Basis = {
  /** Pictures measured: how many, their side in pixels, and the format of their files. */
  samples: { count: number; size: number; format: string }
  /** What they are measured against. */
  reference: { name: string; count: number }
  /** Pictures by the same hand that the model has not seen; the second reference. */
  heldOut: { count: number } | null
  /**
   * How many of each set were compared one by one, chosen at random, where not all were: all numbers but FID are of
   * these, and so are its bounds and its floor. Absent where all were.
   */
  paired?: { samples: number; reference: number; heldOut: number | null }
  extractor: ExtractorInfo | null
  /** Name of the file of statistics that FID is measured against, where it is not the reference. */
  statistics?: string
  /** Both terms of NWI = MAE - FID. `channelSum` is NWI with the MAE summed over the three channels. */
  nwi: { mae: number; fid: number; channelSum: number } | null
  /** Variance of the pixels of the samples over that of the reference: 1 is as varied, 0 is one picture again and again. */
  spread: number
  /** How intervals were made, by metric. */
  intervals: Partial<Record<MetricName, string>>
}

/** Distances that halves of the reference have from each other: what a perfect model cannot be asked to beat. */
export type Floor = { pictures: number; fid: Measured; kid: Measured; mind: Measured; swd: Measured }

/** Distances of the samples to the held-out pictures. */
export type VersusHeldOut = { fid: Measured; kid: Measured; mind: Measured; swd: Measured; nnMae: Measured }

/** A sample and the reference picture that it is nearest to; `distance` in the unit of `by`. */
export type Pair = { sample: number; reference: number; distance: number; mirrored: boolean | null }

export type Verdict = {
  /** "good": like the training pictures, and new. "new": new, but not as good or as varied as they are. */
  word: 'good' | 'new' | 'copied' | 'unknown'
  /** What it rests on, one plain sentence each. */
  because: string[]
}

/** Everything that was found out about a set of pictures. */
export type Judgement = Judged & {
  basis: Basis
  floor: Floor | null
  versusHeldOut: VersusHeldOut | null
  verdict: Verdict
}

export const centreOf = (measured: Measured): number | null =>
  measured === null ? null : typeof measured === 'number' ? measured : measured.value

/** Its bounds; a number without an interval is its own. */
export const boundsOf = (measured: Measured): { low: number; high: number } | null =>
  measured === null ? null : typeof measured === 'number' ? { low: measured, high: measured } : measured
