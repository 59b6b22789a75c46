/** A queue in which clients take turns by what their pictures cost, and each client's own come in order. */

type Client<T> = { items: { item: T; cost: number }[]; used: number }

/** Whoever has used least goes first; a client that comes anew begins where the others are. */
export class FairQueue<T> {
  readonly #clients = new Map<string, Client<T>>()
  #now = 0
  #size = 0
  #cost = 0

  get size(): number {
    return this.#size
  }

  /** What all that wait cost together. */
  get cost(): number {
    return this.#cost
  }

  push(name: string, item: T, cost: number): void {
    let client = this.#clients.get(name)
    if (!client) {
      client = { items: [], used: this.#now }
      this.#clients.set(name, client)
    }
    client.items.push({ item, cost })
    this.#size += 1
    this.#cost += cost
  }

  /** The next one; undefined where none waits. */
  take(): T | undefined {
    let next: [string, Client<T>] | undefined
    for (const entry of this.#clients) if (!next || entry[1].used < next[1].used) next = entry
    if (!next) return undefined
    const [name, client] = next
    const { item, cost } = client.items.shift()!
    this.#now = client.used
    client.used += cost
    this.#leave(name, client, cost)
    return item
  }

  /** Takes one out of its place; false where it does not wait. */
  remove(name: string, item: T): boolean {
    const client = this.#clients.get(name)
    const at = client?.items.findIndex((waiting) => waiting.item === item) ?? -1
    if (!client || at < 0) return false
    const [removed] = client.items.splice(at, 1)
    this.#leave(name, client, removed!.cost)
    return true
  }

  /** All that wait, in no order. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { items } of this.#clients.values()) for (const { item } of items) yield item
  }

  #leave(name: string, { items }: Client<T>, cost: number): void {
    this.#size -= 1
    this.#cost -= cost
    if (items.length === 0) this.#clients.delete(name)
  }
}
