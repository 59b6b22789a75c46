// A Fastify backend that trains while it serves: GET /status, /events and /sample.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { startInChild } from './child.mjs'
import { answerTo, endOnSignals, streamEvents } from './http.mjs'
import { startTraining } from './training.mjs'

const sampleQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    count: { type: 'integer', minimum: 1, maximum: 16, default: 1 },
    seed: { type: 'integer', minimum: 0, maximum: 2 ** 32, default: 0 },
    steps: { type: 'integer', minimum: 1, maximum: 250, default: 20 },
  },
}

export function createApp(training) {
  // By default Fastify drops what a schema does not know, and takes a list of one value for the value.
  const app = Fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: true } } })

  app.get('/status', () => training.status())

  app.get('/events', (_request, reply) => {
    reply.hijack()
    streamEvents(training, reply.raw)
  })

  app.get('/sample', { schema: { querystring: sampleQuery } }, async (request, reply) => {
    const png = await training.sample(request.query, request.signal) // the signal fires when the client goes away
    return reply.type('image/png').header('cache-control', 'no-store').send(Buffer.from(png))
  })

  app.setErrorHandler((error, request, reply) => {
    if (request.signal.aborted) return reply.hijack() // nobody is there to be answered
    if (error.validation) return reply.code(400).send({ code: 'QUERY_INVALID', message: error.message })
    const { status, body } = answerTo(error)
    if (status === 503) reply.header('retry-after', '2')
    return reply.code(status).send(body)
  })

  return app
}

// node fastify.mjs options.json
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  const training = process.env.ISOLATED === '1' ? startInChild(options) : startTraining(options)
  const app = createApp(training)
  console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }))
  endOnSignals(async () => {
    const well = await training.stop()
    await app.close()
    return well
  })
}
