// One training run as a web backend sees it: a state, progress, pictures on request, an end that saves.
import { train } from 'shinsaku'

/** A request that cannot be served now, or ever; `status` is the HTTP status to answer with. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** Requests that may wait for samples at one time; more are asked to come back. */
const MAX_SAMPLES = 4

/** Starts training in this process. Nothing here blocks the event loop: the work is done on a thread of its own. */
export function startTraining(options) {
  const run = train(options)
  const listeners = new Set()
  let now = { state: 'preparing' }
  let model
  let samples = 0

  function report(change) {
    now = { ...now, ...change }
    for (const listener of listeners) listener(now)
  }

  async function follow() {
    for await (const { images, maxImages, loss, imagesPerSecond, etaSeconds } of run) {
      const state = now.state === 'preparing' ? 'training' : now.state
      report({ state, run: run.folder, images, maxImages, loss, imagesPerSecond, etaSeconds })
      // A unit of work takes a tenth of a second; a page that shows progress needs no more than this.
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    model = await run
    report({ state: 'done', run: run.folder, images: model.images })
  }
  const ended = follow().catch((error) => report({ state: 'failed', code: error.code, message: error.message }))

  return {
    status: () => now,
    /** Calls `listener` with each new status; returns what ends that. */
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    /** One PNG with `count` pictures, sampled with the weights as they are. An aborted `signal` rejects it. */
    async sample({ count, seed, steps }, signal) {
      if (now.state === 'preparing') throw new Refusal(503, 'NOT_READY', 'Training has not begun yet.')
      if (now.state === 'failed') throw new Refusal(503, 'TRAINING_FAILED', 'Training has failed.')
      if (now.state === 'stopping') throw new Refusal(503, 'STOPPING', 'The server is about to end.')
      if (samples >= MAX_SAMPLES) throw new Refusal(503, 'BUSY', `${samples} requests are waiting already.`)
      samples += 1
      try {
        // All pictures at once: each denoising step is one pass, and training waits for as few as there are steps.
        return await (model ?? run).sample({ count, batch: count, seed, steps, signal }).grid()
      } finally {
        samples -= 1
      }
    },
    /** Ends training and saves it. Resolves to whether all went well. */
    async stop() {
      if (now.state !== 'failed' && now.state !== 'done') report({ state: 'stopping' })
      await run.stop().catch(() => {})
      await ended
      return now.state !== 'failed'
    },
  }
}
