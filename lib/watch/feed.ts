/** What open pages are sent: one look a second at what any of them shows, and none where no page is open. */
import type { QueueEntry } from '../queue/queue.ts'
import { FollowedRun, type RunNews } from './follow-run.ts'
import type { ListedRun, WatchedRuns } from './runs.ts'

export type News =
  | RunNews
  | { event: 'runs'; data: ListedRun[] }
  | { event: 'queue'; data: QueueEntry[] }
  | { event: 'problem'; data: { message: string } }

/** One open page: the runs that it shows, and where its news goes. */
export type Listener = { readonly names: ReadonlySet<string>; send(news: News): void }

const LOOK_MS = 1000
/** The list takes a look at every file of every run. */
const LOOKS_PER_LIST = 3

export class Feed {
  readonly #runs: WatchedRuns
  readonly #queue: () => Promise<QueueEntry[]>
  readonly #listeners = new Set<Listener>()
  readonly #followed = new Map<string, FollowedRun>()
  /** The newest list and queue as they were sent. */
  readonly #sent = new Map<'runs' | 'queue', { json: string; news: News }>()
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(runs: WatchedRuns, queue: () => Promise<QueueEntry[]>) {
    this.#runs = runs
    this.#queue = queue
  }

  /** Sends everything that there is to `listener`, then what is new, until the returned function is called. */
  add(listener: Listener): () => void {
    this.#tail = this.#tail.then(() => this.#welcome(listener)).catch(() => {})
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#rest()
    }
  }

  /** Looks now: what a write has changed is shown at once. */
  look(): Promise<void> {
    this.#looks = 0
    return this.#look()
  }

  close(): void {
    this.#listeners.clear()
    this.#rest()
  }

  async #welcome(listener: Listener): Promise<void> {
    await this.#update('runs', () => this.#runs.list())
    await this.#update('queue', this.#queue)
    for (const { news } of this.#sent.values()) listener.send(news)
    for (const name of listener.names) {
      const run = await this.#follow(name)
      if (!run) continue
      // What is new to this page may be new to the others, too.
      await this.#lookAt(run)
      for (const news of run.all) listener.send(news)
    }
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  async #follow(name: string): Promise<FollowedRun | undefined> {
    const known = this.#followed.get(name)
    if (known) return known
    const folder = await this.#runs.find(name)
    if (folder === undefined) return undefined
    const run = new FollowedRun(name, folder)
    this.#followed.set(name, run)
    return run
  }

  #look(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#lookAtAll()).catch(() => {})
    return this.#tail
  }

  async #lookAtAll(): Promise<void> {
    if (this.#listeners.size === 0) return
    if (this.#looks % LOOKS_PER_LIST === 0) {
      await this.#update('runs', () => this.#runs.list())
      await this.#update('queue', this.#queue)
    }
    this.#looks += 1
    const shown = new Set([...this.#listeners].flatMap(({ names }) => [...names]))
    for (const [name, run] of this.#followed) {
      if (shown.has(name)) await this.#lookAt(run)
      else this.#followed.delete(name)
    }
  }

  async #lookAt(run: FollowedRun): Promise<void> {
    const showing = [...this.#listeners].filter(({ names }) => names.has(run.name))
    for (const news of await this.#try(() => run.look(), [])) for (const { send } of showing) send(news)
  }

  async #update(event: 'runs' | 'queue', read: () => Promise<ListedRun[] | QueueEntry[]>): Promise<void> {
    const data = await this.#try(read, undefined)
    if (data === undefined) return
    const json = JSON.stringify(data)
    if (this.#sent.get(event)?.json === json) return
    const news = { event, data } as News
    this.#sent.set(event, { json, news })
    for (const { send } of this.#listeners) send(news)
  }

  /** A file that cannot be read now is said; the next look tries again. */
  async #try<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      for (const { send } of this.#listeners) send({ event: 'problem', data: { message: (error as Error).message } })
      return otherwise
    }
  }

  /** Nothing is looked at where nobody looks. */
  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#followed.clear()
  }
}
