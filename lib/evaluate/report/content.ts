/** What a report shows: plain values, so that the page is a function of them and report.json holds the same. */
import type { LabelCopies } from '../by-label.ts'
import type { Judgement } from '../metrics.ts'
import type { Series } from './chart.ts'

/** A picture for the page; `source` is a data: URI. */
export type ShownPicture = { source: string; width: number; height: number }

export type ShownPair = {
  sample: ShownPicture
  reference: ShownPicture
  /** Such as "seed 12". */
  sampleName: string
  referenceName: string
  distance: number
  mirrored: boolean | null
}

export type ShownPairs = { by: 'pixels' | 'features'; pairs: readonly ShownPair[] }

/** Pictures of one licence, author and source. */
export type Rights = { licence: string | null; author: string | null; source: string | null; count: number }

export type DataFacts = {
  name: string
  count: number
  heldOut: number
  size: number
  channels: number
  digest: string
  skipped: number
  optOut: number
  rights: readonly Rights[]
  warnings: readonly string[]
}

export type RunFacts = {
  name: string
  model: string
  /** Images it had seen. */
  images: number
  weights: string
  seeds: { first: number; count: number }
  /** Every option as written on the command line. */
  options: readonly (readonly [name: string, value: string])[]
  /** How the pictures were sampled. */
  sampling: readonly (readonly [name: string, value: string])[]
  trainingSeconds: number | null
}

export type ReportContent = {
  shinsaku: string
  /** ISO 8601. */
  date: string
  judgement: Judgement
  /** Copies among samples of each label; empty for a model without labels. */
  labels: readonly LabelCopies[]
  data: DataFacts
  run: RunFacts
  /** What it was measured on, and how long that took. */
  machine: readonly (readonly [name: string, value: string])[]
  curves: { loss: readonly Series[]; heldOut: readonly Series[]; copies: readonly Series[] }
  /** Distances to the nearest training picture: of the samples, and of the training pictures among each other. */
  distances: { samples: readonly number[]; training: readonly number[] }
  /** The first samples, none chosen. */
  samples: ShownPicture
  reals: ShownPicture | null
  overTime: readonly { images: number; picture: ShownPicture }[]
  pairs: readonly ShownPairs[]
}
