/** The progress of a long command: one line redrawn on a terminal, a plain line now and then elsewhere. */

export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number | undefined }

type Times = {
  /** Milliseconds, as performance.now() gives them. */
  now?: () => number
  /** Shortest time between two drawings on a terminal. */
  redrawMs?: number
  /** Time between two lines elsewhere. */
  plainMs?: number
  /** How often what there is to say is looked at again, though nothing new is said. */
  tickMs?: number
}

const ERASE = '\r\u001B[K'

/** What there is to say: a text, or what makes it at the moment when it is shown. */
type Text = string | (() => string)

export class Progress {
  readonly #output: Output
  readonly #now: () => number
  readonly #everyMs: number
  readonly #timer: NodeJS.Timeout
  #text: Text = ''
  #shown = ''
  #shownAt: number

  constructor(
    output: Output,
    { now = () => performance.now(), redrawMs = 100, plainMs = 30_000, tickMs = 1000 }: Times = {},
  ) {
    this.#output = output
    this.#now = now
    this.#everyMs = output.isTTY ? redrawMs : plainMs
    // A terminal shows the first text at once.
    this.#shownAt = output.isTTY ? Number.NEGATIVE_INFINITY : now()
    // What was said too early to be shown, and a time that runs, are shown though nothing new is said.
    this.#timer = setInterval(() => this.tick(), tickMs).unref()
  }

  /** What there is to say from now on; shown when it is time to. */
  update(text: Text): void {
    this.#text = text
    this.tick()
  }

  /** Shows what there is to say where it is time to and it has changed. */
  tick(): void {
    if (this.#now() - this.#shownAt < this.#everyMs) return
    if (!this.#output.isTTY || this.#line() !== this.#shown) this.#show()
  }

  /** One line that stays, above the progress line. */
  log(line: string): void {
    if (!this.#output.isTTY || this.#shown === '') {
      this.#output.write(`${line}\n`)
      return
    }
    // What is written anew below it is what there is to say by now.
    this.#shown = this.#line()
    this.#output.write(`${ERASE}${line}\n${this.#shown}`)
  }

  /** Leaves the newest text as a line that stays. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#line() !== this.#shown) this.#show()
    if (this.#output.isTTY && this.#shown) this.#output.write('\n')
    this.#text = ''
    this.#shown = ''
  }

  /** Takes the line away: what follows says all. */
  clear(): void {
    clearInterval(this.#timer)
    if (this.#output.isTTY && this.#shown) this.#output.write(ERASE)
    this.#text = ''
    this.#shown = ''
  }

  #line(): string {
    const text = typeof this.#text === 'string' ? this.#text : this.#text()
    // A line that wraps could not be redrawn in place.
    return this.#output.isTTY ? text.slice(0, (this.#output.columns ?? 80) - 1) : text
  }

  #show(): void {
    const line = this.#line()
    if (line === '') return
    this.#shownAt = this.#now()
    this.#shown = line
    this.#output.write(this.#output.isTTY ? `${ERASE}${line}` : `${line}\n`)
  }
}
