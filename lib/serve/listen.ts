/** A handler behind Fastify: hosts, timeouts, clients that leave, and an end that waits for what was asked. */
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ShinsakuError } from '../errors.ts'
import { isKnownHost, urlOf } from '../http/hosts.ts'
import { errorResponse, requestInvalid } from './answer.ts'
import type { Handler } from './create.ts'

export type ListenOptions = { host: string; port: number }

export type Listening = {
  url: string
  /** Takes no more pictures, finishes those in the works within `seconds`, and ends. Resolves to whether all were finished. */
  close(seconds: number): Promise<boolean>
}

/** Time in which a request must be there, headers and body. */
const REQUEST_MS = 15_000
const HEADERS_MS = 10_000
const IDLE_MS = 20

/** What Fastify has as a Web request. Its own signal fires once a body is read, so clients that leave are seen here. */
function toWeb(request: FastifyRequest, reply: FastifyReply): Request {
  const gone = new AbortController()
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  const { method, headers } = request
  const body = method === 'GET' || method === 'HEAD' ? undefined : (Readable.toWeb(request.raw) as ReadableStream)
  const given = Object.entries(headers).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, Array.isArray(text) ? text.join(', ') : text] as [string, string]],
  )
  return new Request(new URL(request.url, 'http://localhost'), {
    method,
    headers: given,
    signal: gone.signal,
    ...(body && { body, duplex: 'half' }),
  } as RequestInit)
}

/** Rejects with PORT_TAKEN, or FILE_FAILED where the address cannot be had. */
export async function listen(handler: Handler, { host, port }: ListenOptions): Promise<Listening> {
  const { default: fastify } = await import('fastify')
  const app = fastify({
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: 1000, requireHostHeader: true },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
  })
  // The body is read where its limits are known.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.all('*', async (request, reply) => {
    if (!isKnownHost(request.headers.host, host))
      return reply.send(errorResponse(requestInvalid('The server does not answer to this host name.', null, 421)))
    return reply.send(await handler(toWeb(request, reply), { client: request.ip }))
  })
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const { statusCode = 500 } = error
    const known = statusCode < 500 ? requestInvalid('The request is not well-formed.', null, statusCode) : error
    reply.send(errorResponse(known))
  })
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    throw new ShinsakuError(
      taken ? 'PORT_TAKEN' : 'FILE_FAILED',
      `Could not listen on ${host}, port ${port}: ${(cause as Error).message}`,
      {
        cause,
        hint: 'Give another port, or 0 for any that is free.',
      },
    )
  }
  const address = app.server.address() as AddressInfo
  return {
    url: urlOf(host, address.port),
    async close(seconds) {
      const finished = await handler.close(seconds)
      // A connection that has just been answered is idle a moment later, and would be waited for.
      const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_MS)
      await app.close()
      clearInterval(idle)
      return finished
    },
  }
}
