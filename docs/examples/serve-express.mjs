// Express with the pictures of a trained model at /v1: node serve-express.mjs RUN
import { once } from 'node:events'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { createHandler } from 'shinsaku'

const handler = createHandler(process.argv[2] ?? '')
const listener = getRequestListener(handler, { overrideGlobalObjects: false })
const app = express()

// Before express.json(), which would read the body. Express has taken /v1 off the path, and the handler looks for it.
app.use('/v1', (request, response) => {
  request.url = request.originalUrl
  return listener(request, response)
})

await handler.ready()
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)
process.once('SIGTERM', async () => {
  await handler.close()
  server.close()
})
