/** Fastify as every server here begins: bounded in size and time, silent about itself, refusing what it does not know. */
import Fastify, { type FastifyInstance } from 'fastify'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { urlOf } from './hosts.ts'

export type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A request of a page or of a program, without uploads, is far smaller. */
const MAX_BODY_BYTES = 16_384
/** Until all of a request is there; an answer may take as long as it likes. */
const REQUEST_MS = 10_000

export const makeServer = (bodyLimit = MAX_BODY_BYTES): FastifyInstance =>
  Fastify({
    bodyLimit,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    http: { headersTimeout: REQUEST_MS, maxHeaderSize: 16_384 },
  })

/** Listens; resolves with the URL. Throws PORT_TAKEN, and OPTION_INVALID for what cannot be listened on. */
export async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await server.listen({ host, port })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new ShinsakuError('PORT_TAKEN', `Another program listens on port ${port} of ${host}`, {
        cause,
        hint: 'Name another one with --port, or --port 0 for any that is free.',
      })
    const path = code === 'EACCES' ? 'port' : 'host'
    throwIfAny([{ path, message: `${host}, port ${port}, cannot be listened on: ${message}` }])
  }
  const address = server.server.address()
  return urlOf(host, typeof address === 'object' && address !== null ? address.port : port)
}
