// A server that only samples: one trained model, loaded once. GET /picture?seed=7 gives one PNG.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { load } from 'shinsaku'
import { answerTo, endOnSignals } from './http.mjs'

/** Pictures computed at once: a batch takes little longer than one picture. */
const MAX_BATCH = 8
/** Requests that may wait at one time; more are asked to come back. */
const MAX_WAITING = 64

const refusal = (status, code, message) => Object.assign(new Error(message), { status, code })

/** Collects requests into batches: those that arrive while one is sampled are the next. `settings` are options of `sample()`. */
export function batched(model, settings = {}) {
  const waiting = []
  let working
  let ended = false

  async function sampleBatch(batch) {
    const control = new AbortController()
    const leave = (request) => {
      request.left = true
      if (batch.every(({ left }) => left)) control.abort() // nobody waits for it any more
    }
    for (const request of batch) {
      if (request.signal?.aborted) leave(request)
      request.signal?.addEventListener('abort', () => leave(request), { once: true })
    }
    try {
      const seeds = batch.map(({ seed }) => seed)
      const pictures = await model.sample({ ...settings, seeds, batch: seeds.length, signal: control.signal })
      await Promise.all(batch.map(async ({ resolve }, i) => resolve(await pictures.encode(i))))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async function work() {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH).filter(({ signal }) => !signal?.aborted)
      if (batch.length > 0) await sampleBatch(batch)
    }
    working = undefined
  }

  return {
    /** The bytes of a PNG. Rejects where too many wait, and with an AbortError once `signal` is aborted. */
    picture(seed, signal) {
      if (ended) return Promise.reject(refusal(503, 'STOPPING', 'The server is about to end.'))
      if (waiting.length >= MAX_WAITING)
        return Promise.reject(refusal(503, 'BUSY', `${waiting.length} requests are waiting already.`))
      return new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        waiting.push({ seed, signal, resolve, reject })
        working ??= Promise.resolve().then(work) // what is asked for in the same moment shares a batch
      })
    },
    /** Takes no more requests, and resolves once those that wait have their answers. */
    async end() {
      ended = true
      await working
    },
  }
}

/** The seed that a URL asks for, 0 where it names none. Throws what is to be answered to anything else. */
function readSeed({ pathname, searchParams }) {
  if (pathname !== '/picture') throw refusal(404, 'NOT_FOUND', 'There is only /picture.')
  const unknown = [...searchParams.keys()].find((name) => name !== 'seed')
  if (unknown !== undefined) throw refusal(400, 'QUERY_INVALID', `There is no parameter "${unknown}".`)
  const values = searchParams.getAll('seed')
  const text = values.length === 0 ? '0' : values.join()
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text)
  throw refusal(400, 'QUERY_INVALID', `seed must be an integer from 0 to ${2 ** 32 - 1}.`)
}

export function createSampler(queue) {
  return createServer(async (request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort()) // the client went away, or has its answer
    try {
      if (request.method !== 'GET') throw refusal(405, 'METHOD', 'Only GET is answered.')
      const png = await queue.picture(readSeed(new URL(`http://localhost${request.url}`)), gone.signal)
      response.writeHead(200, { 'content-type': 'image/png', 'cache-control': 'no-store' }).end(png)
    } catch (error) {
      if (gone.signal.aborted) return // nobody is there to be answered
      const { status, body } = answerTo(error)
      const headers = { 'content-type': 'application/json', ...(status === 503 && { 'retry-after': '2' }) }
      response.writeHead(status, headers).end(JSON.stringify(body))
    }
  })
}

// node serve.mjs RUN
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const model = await load(process.argv[2] ?? '')
  const queue = batched(model, { steps: Number(process.env.STEPS ?? 20) })
  await model.sample() // reads the weights, and fails now rather than at the first request
  const server = createSampler(queue).listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1')
  await once(server, 'listening')
  console.log(`http://${server.address().address}:${server.address().port}`)
  endOnSignals(async () => {
    server.close()
    await queue.end()
    model.dispose()
    return true
  })
}
