// An Express backend that trains while it serves: GET /status, /events and /sample.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import express from 'express'
import { startInChild } from './child.mjs'
import { answerTo, endOnSignals, streamEvents } from './http.mjs'
import { Refusal, startTraining } from './training.mjs'

const limits = { count: [1, 16, 1], seed: [0, 2 ** 32, 0], steps: [1, 250, 20] } // least, most, default

function readQuery(query) {
  const unknown = Object.keys(query).filter((name) => !Object.hasOwn(limits, name))
  if (unknown.length > 0) throw new Refusal(400, 'QUERY_INVALID', `There is no parameter "${unknown[0]}".`)
  return Object.fromEntries(
    Object.entries(limits).map(([name, [least, most, value]]) => {
      const text = query[name] ?? String(value)
      const number = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN
      if (number >= least && number <= most) return [name, number]
      throw new Refusal(400, 'QUERY_INVALID', `${name} must be an integer from ${least} to ${most}.`)
    }),
  )
}

export function createApp(training) {
  const app = express()
  app.disable('x-powered-by')

  app.get('/status', (_request, response) => response.json(training.status()))

  app.get('/events', (_request, response) => streamEvents(training, response))

  app.get('/sample', async (request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort()) // the client went away, or has its answer
    const png = await training.sample(readQuery(request.query), gone.signal)
    response.type('image/png').set('cache-control', 'no-store').send(Buffer.from(png))
  })

  // Express 5 brings what an async handler throws here.
  app.use((error, _request, response, next) => {
    if (response.headersSent) return next(error)
    if (response.destroyed) return // nobody is there to be answered
    const { status, body } = answerTo(error)
    if (status === 503) response.set('retry-after', '2')
    response.status(status).json(body)
  })

  return app
}

// node express.mjs options.json
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  const training = process.env.ISOLATED === '1' ? startInChild(options) : startTraining(options)
  const server = createApp(training).listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
  await once(server, 'listening')
  console.log(`http://127.0.0.1:${server.address().port}`)
  endOnSignals(async () => {
    const well = await training.stop()
    await promisify(server.close.bind(server))()
    return well
  })
}
