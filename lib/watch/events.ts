/** Server-sent events: the feed over one open connection, and no more connections than a person has pages. */
import type { ServerResponse } from 'node:http'
import type { Feed, News } from './feed.ts'

const MAX_PAGES = 50
/** Proxies end connections on which nothing comes. */
const BEAT_MS = 15_000
/** What a page does not take waits in memory; it asks anew where that is too much. */
const MAX_WAITING_BYTES = 2 ** 24

const text = ({ event, data }: News): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

export class EventStreams {
  readonly #feed: Feed
  readonly #open = new Set<ServerResponse>()

  constructor(feed: Feed) {
    this.#feed = feed
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_PAGES
  }

  /** Sends the feed of some runs as the answer, until either side ends it. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>, names: ReadonlySet<string>): void {
    this.#open.add(response)
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
    response.write('retry: 2000\n\n')
    const send = (news: News) => {
      response.write(text(news))
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy()
    }
    const remove = this.#feed.add({ names, send })
    const beat = setInterval(() => response.write(':\n\n'), BEAT_MS).unref()
    response.on('error', () => {})
    response.on('close', () => {
      clearInterval(beat)
      remove()
      this.#open.delete(response)
    })
  }

  close(): void {
    for (const response of this.#open) response.end()
    this.#feed.close()
  }
}
