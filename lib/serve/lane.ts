/** One version of a model that is served: what waits for it, what it computes, and how fast it is. */
import type { Picture } from '../sampling/picture.ts'
import type { Asked, StartedPicture, Together } from '../sampling/together.ts'
import { FairQueue } from './fair-queue.ts'

/** Who asks for pictures, and who hears of them. */
export type Job = {
  client: string
  lane: Lane
  pictures: readonly Asked[]
  /** How many previews of each. */
  previews: number
  signal: AbortSignal
  /** Called with a picture as it is on the way. It must not throw. */
  onPreview(index: number, picture: Picture): void
  /** Called with each picture once it is finished. It must not throw. */
  onPicture(index: number, picture: Picture): void
}

/** One picture of a job. */
export type Work = {
  readonly job: Job
  readonly index: number
  readonly asked: Asked
  readonly steps: number
  /** When it must have begun, on the clock of performance.now(). */
  readonly deadline: number
  /** What its job does with it. */
  settle(outcome: 'done' | 'expired' | Error): void
  /** Whether nobody waits for it any more. */
  gone: boolean
  started: StartedPicture | undefined
  previewed: number
}

/** Weight of the newest step in the mean time of one. */
const NEWEST = 0.2

export class Lane {
  readonly together: Together
  readonly waiting = new FairQueue<Work>()
  active: Work[] = []
  /** Whether one is about to be active. */
  beginning = false
  /** Whether its newest step went well. */
  healthy = true
  /** Mean seconds of one step, of late; 0 before the first. */
  secondsPerStep = 0

  constructor(together: Together) {
    this.together = together
  }

  get idle(): boolean {
    return this.active.length === 0 && this.waiting.size === 0 && !this.beginning
  }

  /** Seconds until all that it has would be finished. */
  get backlog(): number {
    const left = this.active.reduce((sum, { steps, started }) => sum + steps * (1 - (started?.share ?? 0)), 0)
    return ((this.waiting.cost + left) / this.together.rows) * this.secondsPerStep
  }

  /** A step took so long. */
  took(seconds: number): void {
    this.healthy = true
    this.secondsPerStep = this.secondsPerStep === 0 ? seconds : (1 - NEWEST) * this.secondsPerStep + NEWEST * seconds
  }
}
