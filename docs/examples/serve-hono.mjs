// Hono with the pictures of a trained model at /v1: node serve-hono.mjs RUN
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createHandler } from 'shinsaku'

const handler = createHandler(process.argv[2] ?? '')
const app = new Hono()

app.all('/v1/*', (context) => handler(context.req.raw, context.env))

await handler.ready()
const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}`),
)
process.once('SIGTERM', async () => {
  await handler.close()
  server.close()
})
