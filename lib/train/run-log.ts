/** The records of a run: log.txt, metrics.jsonl and TensorBoard events, in the order things happened. */

import { visibleText } from '../errors.ts'
import type { RunDirectory } from '../run/directory.ts'
import { type EventWriter, openEvents } from '../run/events.ts'
import { type GuardRecord, guardScalars } from '../run/guard-records.ts'
import type { Counters, Status } from './status.ts'

/**
 * Writes are queued, so the loop never waits for the disk. One that fails, as on a full disk, is kept with those after
 * it and tried again with the next; flush() throws as long as it fails, so that no checkpoint is ahead of its records.
 */
export class RunLog {
  readonly #directory: RunDirectory
  #events: EventWriter
  readonly #onLog: ((line: string) => void) | undefined
  /** Each is done whole or not at all. */
  readonly #waiting: (() => Promise<void>)[] = []
  #tail: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined

  constructor(directory: RunDirectory, events: EventWriter, onLog?: (line: string) => void) {
    this.#directory = directory
    this.#events = events
    this.#onLog = onLog
  }

  /** One line for people, visible whatever names are in it: to log.txt with the time, and to the caller's onLog. */
  log(line: string): void {
    const clean = visibleText(line)
    this.#onLog?.(clean)
    const stamped = `${new Date().toISOString()} ${clean}`
    this.#queue(() => this.#directory.appendLog(stamped))
  }

  /** One status for programs. */
  record(status: Status): void {
    const { images, updates, epoch, elapsedSeconds, imagesPerSecond, metrics } = status
    const residentBytes = process.memoryUsage.rss()
    const rest = { elapsedSeconds, imagesPerSecond, residentBytes }
    this.#queue(() => this.#directory.appendMetrics({ images, updates, epoch, ...metrics, ...rest }))
    this.#queue(() => this.#events.scalars(images, { ...metrics, imagesPerSecond, residentBytes, epoch }))
  }

  /** One look of the copy guard. */
  recordGuard({ images, updates, epoch, elapsedSeconds }: Counters, guard: GuardRecord): void {
    this.#queue(() => this.#directory.appendMetrics({ images, updates, epoch, guard, elapsedSeconds }))
    this.#queue(() => this.#events.scalars(images, guardScalars(guard)))
  }

  /** A grid of pictures for TensorBoard. */
  picture(images: number, tag: string, png: Uint8Array, width: number, height: number): void {
    this.#queue(() => this.#events.image(images, tag, png, width, height))
  }

  #queue(write: () => Promise<void>): void {
    this.#waiting.push(write)
    this.#tail = this.#tail.then(() => this.#write())
  }

  async #write(): Promise<void> {
    for (let write = this.#waiting[0]; write; write = this.#waiting[0]) {
      try {
        await write()
      } catch (error) {
        if (!this.#failure)
          this.#onLog?.(`Warning: ${(error as Error).message}. What is on record is kept in memory and tried again.`)
        this.#failure = { error }
        return
      }
      this.#waiting.shift()
    }
    this.#failure = undefined
  }

  /** Waits until everything is written and survives a power cut. */
  async flush(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#write())
    await this.#tail
    if (this.#failure) throw this.#failure.error
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
