/** The progress of a long command: one line redrawn on a terminal, a plain line now and then elsewhere. */

export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number | undefined }

type Times = {
  /** Milliseconds, as performance.now() gives them. */
  now?: () => number
  /** Shortest time between two drawings on a terminal. */
  redrawMs?: number
  /** Time between two lines elsewhere. */
  plainMs?: number
}

const ERASE = '\r\u001B[K'

export class Progress {
  readonly #output: Output
  readonly #now: () => number
  readonly #everyMs: number
  #text = ''
  #shown = ''
  #shownAt: number

  constructor(output: Output, { now = () => performance.now(), redrawMs = 100, plainMs = 30_000 }: Times = {}) {
    this.#output = output
    this.#now = now
    this.#everyMs = output.isTTY ? redrawMs : plainMs
    // A terminal shows the first text at once.
    this.#shownAt = output.isTTY ? Number.NEGATIVE_INFINITY : now()
  }

  /** What there is to say at this moment; shown when it is time to. */
  update(text: string): void {
    this.#text = text
    if (this.#now() - this.#shownAt >= this.#everyMs) this.#show()
  }

  /** One line that stays, above the progress line. */
  log(line: string): void {
    if (!this.#output.isTTY) this.#output.write(`${line}\n`)
    else this.#output.write(`${this.#shown ? ERASE : ''}${line}\n${this.#shown}`)
  }

  /** Leaves the newest text as a line that stays. */
  end(): void {
    if (this.#text !== this.#shown) this.#show()
    if (this.#output.isTTY && this.#shown) this.#output.write('\n')
    this.#text = ''
    this.#shown = ''
  }

  #show(): void {
    this.#shownAt = this.#now()
    this.#shown = this.#text
    if (!this.#output.isTTY) {
      this.#output.write(`${this.#text}\n`)
      return
    }
    // A line that wraps could not be redrawn in place.
    this.#shown = this.#text.slice(0, (this.#output.columns ?? 80) - 1)
    this.#output.write(`${ERASE}${this.#shown}`)
  }
}
