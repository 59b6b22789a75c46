/** How many updates the next unit may hold: about a tenth of a second, and never past a boundary. */

const UNIT_SECONDS = 0.1
const MAX_UPDATES = 256

/** Learns how long an update takes. */
export class UnitSizer {
  #secondsPerUpdate = Number.POSITIVE_INFINITY
  readonly #imagesPerUpdate: number

  /** `imagesPerUpdate` is the most images one update can see; a short batch may make it fewer. */
  constructor(imagesPerUpdate: number) {
    this.#imagesPerUpdate = imagesPerUpdate
  }

  /** Records a finished unit. */
  record(updates: number, seconds: number): void {
    const each = seconds / updates
    this.#secondsPerUpdate = Number.isFinite(this.#secondsPerUpdate) ? 0.7 * this.#secondsPerUpdate + 0.3 * each : each
  }

  /** The most images that `updates` can see. */
  imagesOf(updates: number): number {
    return updates * this.#imagesPerUpdate
  }

  /**
   * Updates for a unit that starts after at most `images` images and should end at `boundary` or before.
   * 0 when units in flight may reach the boundary already. A unit of one update may cross it: that is where
   * the boundary is met.
   */
  next(images: number, boundary: number, inFlight: number): number {
    const byTime = Math.floor(UNIT_SECONDS / this.#secondsPerUpdate)
    const byBoundary = Math.floor((boundary - images) / this.#imagesPerUpdate)
    if (inFlight > 0 && byBoundary < 1) return 0
    return Math.max(1, Math.min(byTime, byBoundary, MAX_UPDATES))
  }
}
