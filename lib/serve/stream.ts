/** An answer as server-sent events: previews, pictures, a late error. A client that reads slowly misses previews. */
import { commonHeaders, errorAnswer } from './answer.ts'

/** Proxies end a connection on which nothing comes. */
const ALIVE_MS = 15_000
/** Bytes that may wait for a slow client before previews are left out. */
const HIGH_WATER = 2 ** 20

export type Events = {
  /** Whether the client is so slow that what can be left out should be. */
  readonly full: boolean
  send(type: string, data: Readonly<Record<string, unknown>>): void
}

/**
 * `work` sends events until it resolves, which ends the stream; what it rejects with is the last event. `gone` is called
 * where the client leaves before: not every server aborts the request's signal then.
 */
export function eventStream(work: (events: Events) => Promise<void>, gone: () => void): Response {
  const encoder = new TextEncoder()
  let alive: NodeJS.Timeout
  let open = true
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = (text: string) => open && controller.enqueue(encoder.encode(text))
        const events: Events = {
          get full() {
            return (controller.desiredSize ?? 0) <= 0
          },
          send: (type, data) => void write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`),
        }
        alive = setInterval(() => write(': still here\n\n'), ALIVE_MS)
        alive.unref()
        work(events)
          .catch((error) => events.send('error', errorAnswer(error).body))
          .finally(() => {
            clearInterval(alive)
            if (open) controller.close()
            open = false
          })
      },
      cancel() {
        open = false
        clearInterval(alive)
        gone()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
  )
  return new Response(body, {
    headers: {
      ...commonHeaders(),
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no', // nginx would keep the events back
      connection: 'close', // a server that is about to end would wait for it
    },
  })
}
