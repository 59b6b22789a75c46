// Makes sides ready in the background: in their order, a few at a time, and still while others are timed.

/** @import { Side } from './side.mjs' */

export class Launcher {
  /** @type {Side[]} */
  #waiting = []
  /** @type {Set<Side>} */
  #starting = new Set()
  #paused = false

  /**
   * @param {number} width how many start at once
   * @param {number} limitSeconds how long each may take
   */
  constructor(width, limitSeconds) {
    this.width = width
    this.limitSeconds = limitSeconds
  }

  /** @param {Iterable<Side>} sides */
  queue(sides) {
    this.#waiting.push(...sides)
    this.#fill()
  }

  #fill() {
    while (!this.#paused && this.#starting.size < this.width) {
      const side = this.#waiting.shift()
      if (!side) return
      this.#launch(side)
    }
  }

  /** @param {Side} side */
  async #launch(side) {
    this.#starting.add(side)
    await side.start(this.limitSeconds, 10)
    this.#starting.delete(side)
    const how = side.problem ? `: ${side.problem}` : ` after ${Math.round(side.ready / 1000)} s`
    console.error(`${side.key}: ${side.state}${how}`)
    this.#fill()
  }

  /** Stops those that are starting in their tracks: only one side at a time may work while it is timed. */
  pause() {
    this.#paused = true
    for (const side of this.#starting) side.signal('SIGSTOP')
  }

  resume() {
    this.#paused = false
    for (const side of this.#starting) side.signal('SIGCONT')
    this.#fill()
  }

  /** Ends those that are not ready yet. */
  giveUp() {
    for (const side of [...this.#starting, ...this.#waiting.splice(0)]) side.end()
  }
}
