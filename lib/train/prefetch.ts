/** Rows of pictures that are not resident: read ahead for the coming updates while the device works on those before. */
import type { PixelStore } from '../data/pixel-store.ts'
import type { Metrics, NativeTrainer } from '../native/addon.ts'

/** The rows of one update, on their way from the store; those planned at one time lie in one buffer. */
type Rows = Promise<Uint8Array>

/**
 * Takes the place of the trainer's step(). It holds the rows of the unit that runs, of the one queued behind it, and
 * of one more that is being read.
 */
export class Prefetch {
  readonly #trainer: Pick<NativeTrainer, 'plan' | 'step'>
  readonly #store: Pick<PixelStore, 'read' | 'size' | 'channels'>
  /** Of the updates after those that were handed to the trainer, in order. */
  #planned: Rows[] = []
  /** Settles once the newest plan is known. */
  #planning: Promise<void> = Promise.resolve()
  /** Settles once the newest unit is queued; rejects for good after a failure. */
  #queued: Promise<unknown> = Promise.resolve()

  constructor(trainer: Pick<NativeTrainer, 'plan' | 'step'>, store: Pick<PixelStore, 'read' | 'size' | 'channels'>) {
    this.#trainer = trainer
    this.#store = store
  }

  /** One unit. Rejects with FILE_FAILED where its rows cannot be read, as do all units after it. */
  async step(updates: number): Promise<Metrics> {
    const queued = this.#queued.then(() => this.#queue(updates))
    this.#queued = queued
    queued.catch(() => {})
    return (await queued).result
  }

  /** Forgets what was planned: the trainer has been brought to another place. Nothing may be under way. */
  async reset(): Promise<void> {
    await this.#planning.catch(() => {})
    this.#planned = []
    this.#planning = Promise.resolve()
    this.#queued = Promise.resolve()
  }

  /** Hands a unit to the trainer as soon as its rows are there; does not wait for its end. */
  async #queue(updates: number): Promise<{ result: Promise<Metrics> }> {
    await this.#planning
    // The first unit, or one that is longer than what was read ahead.
    if (this.#planned.length < updates) await this.#plan(2 * updates, 0)
    const rows = joined(await Promise.all(this.#planned.slice(0, updates)))
    this.#planned.splice(0, updates)
    // Queued before this unit, so that the answer is there when it begins, and reading has all of its time.
    if (this.#planned.length < updates) {
      this.#planning = this.#plan(2 * updates, updates)
      this.#planning.catch(() => {})
    }
    const result = this.#trainer.step(updates, rows)
    result.catch(() => {})
    return { result }
  }

  /** Reads the rows of the next `updates` updates but for those that are planned already; the first `handed` are handed over. */
  async #plan(updates: number, handed: number): Promise<void> {
    const { indices, sizes } = await this.#trainer.plan(updates)
    const known = handed + this.#planned.length
    const begin = sizes.subarray(0, known).reduce((sum, size) => sum + size, 0)
    const all = this.#store.read(indices.subarray(begin))
    all.catch(() => {})
    const bytes = this.#store.size ** 2 * this.#store.channels
    let at = 0
    for (const size of sizes.subarray(known)) {
      const start = at
      at += size * bytes
      const end = at
      const rows = all.then((pixels) => pixels.subarray(start, end))
      rows.catch(() => {})
      this.#planned.push(rows)
    }
  }
}

/** Rows of updates in a row as one block; those of one buffer lie there side by side already. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first, last] = [parts[0]!, parts.at(-1)!]
  const bytes = parts.reduce((sum, { length }) => sum + length, 0)
  if (first.buffer === last.buffer) return new Uint8Array(first.buffer, first.byteOffset, bytes)
  const block = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    block.set(part, at)
    at += part.length
  }
  return block
}
