// What both backends need of HTTP: progress as server-sent events, errors as answers, an end on SIGTERM.
import { constants } from 'node:os'

/** The states after which nothing more happens. */
const over = (state) => state === 'done' || state === 'failed'

/** Sends the status, and then each new one, until training or the client ends. */
export function streamEvents(training, response) {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no', // nginx would keep the events back
  })
  const send = (status) => {
    // Who reads too slowly misses a status rather than filling this process's memory.
    if (!response.writableNeedDrain) response.write(`event: status\ndata: ${JSON.stringify(status)}\n\n`)
    if (over(status.state)) response.end()
  }
  const unsubscribe = training.subscribe(send)
  const alive = setInterval(() => response.write(': still here\n\n'), 15_000)
  response.on('close', () => {
    unsubscribe()
    clearInterval(alive)
  })
  send(training.status())
}

/** How an error is answered. What is not the client's business stays in the log. */
export function answerTo(error) {
  if (error.code === 'OPTION_INVALID') return { status: 400, body: { code: error.code, message: error.message } }
  if (error.status) return { status: error.status, body: { code: error.code, message: error.message } }
  console.error(error)
  return { status: 500, body: { code: 'INTERNAL', message: 'Something went wrong here.' } }
}

/** The first SIGTERM or Ctrl-C calls `end`, which resolves to whether all went well; the second does not wait for it. */
export function endOnSignals(end) {
  let ending = false
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, async () => {
      if (ending) process.exit(128 + constants.signals[signal])
      ending = true
      const well = await end().catch(console.error)
      process.exit(well ? 0 : 1)
    })
  }
}
