/** Statuses of a run for whoever iterates it. */

type Waiter<S> = { resolve: (result: IteratorResult<S>) => void; reject: (error: unknown) => void }

/** Hands the newest status to slow readers and every one to fast ones; holds one status at most. */
export class StatusReader<S> implements AsyncIterator<S> {
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
