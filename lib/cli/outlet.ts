/** Output that may lose its reader: what is written after that goes nowhere, and the command goes on. */
import type { Output } from './progress.ts'

type Stream = Output & {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  hasColors?(): boolean
}

/** A reader that has seen enough, such as head; a terminal that was closed. */
const gone = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']

export class Outlet implements Output {
  readonly #stream: Stream
  readonly #onFailure: (error: Error) => void
  #open = true

  /** `onFailure` receives what else ends the output, such as a full disk. */
  constructor(stream: Stream, onFailure: (error: Error) => void) {
    this.#stream = stream
    this.#onFailure = onFailure
    stream.on('error', (error) => this.#close(error))
  }

  get isTTY(): boolean {
    return this.#open && this.#stream.isTTY === true
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  hasColors(): boolean {
    return this.#stream.hasColors?.() === true
  }

  write(text: string): void {
    if (!this.#open) return
    try {
      this.#stream.write(text)
    } catch (error) {
      this.#close(error as NodeJS.ErrnoException)
    }
  }

  #close(error: NodeJS.ErrnoException): void {
    if (!this.#open) return
    this.#open = false
    if (!gone.includes(error.code ?? '')) this.#onFailure(error)
  }
}
