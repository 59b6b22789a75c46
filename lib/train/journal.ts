/** The records of a run: log.txt, metrics.jsonl and TensorBoard events, in the order things happened. */

import type { RunDirectory } from '../run/directory.ts'
import { type EventWriter, openEvents } from '../run/events.ts'
import type { Status } from './status.ts'

/** Writes are queued, so the loop never waits for the disk; the first failure is thrown by the next call. */
export class Journal {
  readonly #directory: RunDirectory
  #events: EventWriter
  readonly #onLog: ((line: string) => void) | undefined
  #tail: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined

  constructor(directory: RunDirectory, events: EventWriter, onLog?: (line: string) => void) {
    this.#directory = directory
    this.#events = events
    this.#onLog = onLog
  }

  /** One line for people: to log.txt with the time, and to the caller's onLog. */
  log(line: string): void {
    this.#onLog?.(line)
    this.#queue(() => this.#directory.appendLog(`${new Date().toISOString()} ${line}`))
  }

  /** One status for programs. */
  record(status: Status): void {
    const { images, updates, epoch, elapsedSeconds, imagesPerSecond, metrics } = status
    this.#queue(async () => {
      await this.#directory.appendMetrics({ images, updates, epoch, ...metrics, elapsedSeconds, imagesPerSecond })
      await this.#events.scalars(images, { ...metrics, imagesPerSecond, epoch })
    })
  }

  /** A sheet of pictures for TensorBoard. */
  picture(images: number, tag: string, png: Uint8Array, width: number, height: number): void {
    this.#queue(() => this.#events.image(images, tag, png, width, height))
  }

  #queue(write: () => Promise<void>): void {
    this.#throwFailure()
    this.#tail = this.#tail.then(write).catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }

  /** Waits until everything is written and survives a power cut. */
  async flush(): Promise<void> {
    await this.#tail
    this.#throwFailure()
    await this.#directory.sync()
    await this.#events.sync()
  }

  /** Takes back what was recorded after `images`; what follows begins an event file of its own. */
  async rewind(images: number): Promise<void> {
    await this.flush()
    await this.#events.close()
    await this.#directory.rewindRecords(images)
    this.#events = await openEvents(this.#directory.path, Date.now() / 1000)
  }

  async close(): Promise<void> {
    await this.#tail
    await this.#events.close()
  }
}
