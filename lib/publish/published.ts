/** What `publish()` takes and gives. */
import type { PublishOptions } from '../options/publish.ts'

/** What a site will be, before anything is written. */
export type PublishPlan = {
  /** Of all files. */
  bytes: number
  modelBytes: number
  /** Guessed time of one picture in a browser on one thread, for each number of steps that a visitor can choose. */
  steps: { steps: number; seconds: number }[]
}

export type PublishCall = PublishOptions & {
  /** Called once the run may be published, before anything is written. */
  onPlan?: ((plan: PublishPlan) => void) | undefined
}

export type Published = PublishPlan & {
  /** The folder of the site. */
  path: string
  weights: 'ema' | 'raw'
}
