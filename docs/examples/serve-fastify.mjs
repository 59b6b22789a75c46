// Fastify with the pictures of a trained model at /v1: node serve-fastify.mjs RUN
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { createHandler } from 'shinsaku'

const handler = createHandler(process.argv[2] ?? '')
const app = Fastify({ keepAliveTimeout: 1000 }) // at the end, idle clients are waited for so long

app.register(async (scope) => {
  // The handler reads the body itself, within its limits.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  scope.all('/v1/*', (request, reply) => {
    // Fastify's own signal fires as soon as a body has been read.
    const gone = new AbortController()
    reply.raw.on('close', () => reply.raw.writableFinished || gone.abort())
    const { method, headers, ip } = request
    const body = method === 'GET' ? {} : { body: Readable.toWeb(request.raw), duplex: 'half' }
    const url = new URL(request.url, 'http://localhost')
    return handler(new Request(url, { method, headers, signal: gone.signal, ...body }), { client: ip })
  })
})

await handler.ready()
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }))
process.once('SIGTERM', async () => {
  await handler.close()
  await app.close()
})
