/** What a run and a distillation are to their caller: awaitable, iterable, and heard of where nobody listens. */
import type { Model } from '../sampling/model.ts'

type Waiter<S> = { resolve: (result: IteratorResult<S>) => void; reject: (error: unknown) => void }

/** Hands the newest status to slow readers and every one to fast ones; holds one status at most. */
class StatusReader<S> implements AsyncIterator<S> {
  #newest: S | undefined
  #waiter: Waiter<S> | undefined
  #end: { error?: unknown } | undefined
  readonly #onReturn: () => void

  constructor(onReturn: () => void) {
    this.#onReturn = onReturn
  }

  push(status: S): void {
    if (this.#waiter) {
      this.#waiter.resolve({ value: status, done: false })
      this.#waiter = undefined
    } else this.#newest = status
  }

  finish(end: { error?: unknown }): void {
    this.#end = end
    if (!this.#waiter) return
    if ('error' in end) this.#waiter.reject(end.error)
    else this.#waiter.resolve({ value: undefined, done: true })
    this.#waiter = undefined
  }

  next(): Promise<IteratorResult<S>> {
    const value = this.#newest
    this.#newest = undefined
    if (value) return Promise.resolve({ value, done: false })
    if (this.#end)
      return 'error' in this.#end ? Promise.reject(this.#end.error) : Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<S>> {
    this.#onReturn()
    return Promise.resolve({ value: undefined, done: true })
  }
}

/** Await it for the trained model; iterate it for statuses; both at once if you like. */
export abstract class Followed<S> implements PromiseLike<Model>, AsyncIterable<S> {
  #model: Promise<Model> | undefined
  readonly #readers = new Set<StatusReader<S>>()
  #claimed = false
  #end: { error?: unknown } | undefined

  /** Takes what leads to the model; once, by whoever extends this. */
  protected follow(model: Promise<Model>): void {
    this.#model = model
    model.then(
      () => this.#finish({}),
      (error: unknown) => {
        this.#finish({ error })
        // A failure that nobody awaits or iterates must not pass in silence.
        if (!this.#claimed) throw error
      },
    )
  }

  #finish(end: { error?: unknown }): void {
    this.#end = end
    for (const reader of this.#readers) reader.finish(end)
    this.#readers.clear()
  }

  /** Hands a status to all that iterate. */
  protected tell(status: S): void {
    for (const reader of this.#readers) reader.push(status)
  }

  /** The model to come, for a caller who thereby hears of a failure. */
  protected claim(): Promise<Model> {
    this.#claimed = true
    return this.#model!
  }

  // biome-ignore lint/suspicious/noThenProperty: a run is awaitable by design
  then<A = Model, B = never>(
    done?: ((model: Model) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.claim().then(done, failed)
  }

  [Symbol.asyncIterator](): AsyncIterator<S> {
    const reader = new StatusReader<S>(() => this.#readers.delete(reader))
    this.#claimed = true
    if (this.#end) reader.finish(this.#end)
    else this.#readers.add(reader)
    return reader
  }
}
