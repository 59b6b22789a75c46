/** What RUN/accuracy.json holds: how often a classifier is right, and about what it is not. */
import type { Share } from '../evaluate/intervals.ts'

/** `confusion[i][j]`: pictures of class i that are taken for class j. */
export type Side = { accuracy: Share; confusion: number[][] }

export type Worst = { path: string; class: string; said: string; probability: number }

/** What RUN/accuracy.json holds. */
export type ClassifierRecord = {
  images: number
  classes: readonly string[]
  train: Side
  /** Null where no pictures are held out. */
  test: Side | null
  /** The least right first; of held-out pictures where there are some. */
  worst: Worst[]
  /** Of "builtin:fonts": how often it is right about each letter, the worst first; empty otherwise. */
  letters: { letter: string; accuracy: number; n: number }[]
}
