/** Who may ask the page's server for what: by the name it is asked under, by the token, and, for writes, by the page. */
import { randomBytes } from 'node:crypto'
import { type ErrorCode, ShinsakuError } from '../errors.ts'
import { isKnownHost } from '../http/hosts.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from '../http/listen.ts'
import { bearerOf, isToken } from '../http/token.ts'

export type Access = {
  host: string
  /** What every request must show; null on loopback. */
  token: string | null
  /** What a write must show beside it; only the page has it. */
  writeToken: string
}

export const makeWriteToken = (): string => randomBytes(16).toString('hex')

const COOKIE = 'shinsaku-token'

const cookieOf = ({ headers }: FastifyRequest): string | undefined =>
  (headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim().split('='))
    .find(([name]) => name === COOKIE)?.[1]

export const refuse = (reply: FastifyReply, status: number, code: string, message: string): FastifyReply =>
  reply.code(status).send({ error: { code, message } })

/** What every answer carries. */
const headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}

const isWrite = ({ method }: FastifyRequest): boolean => method !== 'GET' && method !== 'HEAD'

/** Whether a write comes from the page itself: browsers name the origin of every POST, and no other page has the token. */
function isOfPage({ headers: { origin, host, ...others } }: FastifyRequest, writeToken: string): boolean {
  const shown = others['x-shinsaku-write']
  return origin === `http://${host}` && typeof shown === 'string' && isToken(shown, writeToken)
}

/** Errors that say something about the request, as HTTP says it. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = { QUEUE_NOT_FOUND: 404, OPTION_INVALID: 400 }

/** Makes a server refuse what may not come in, before anything is read of it. `whenLocked` answers a browser without the token. */
export function guardServer(
  server: FastifyInstance,
  { host, token, writeToken }: Access,
  whenLocked: (reply: FastifyReply) => FastifyReply,
): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    if (!isKnownHost(request.headers.host, host))
      return refuse(reply, 421, 'HOST_UNKNOWN', 'This server does not answer to that name.')
    if (token !== null) {
      const { pathname, searchParams } = new URL(request.url, 'http://localhost')
      const given = searchParams.get('token') ?? undefined
      if (pathname === '/' && given !== undefined && isToken(given, token))
        return reply.header('set-cookie', `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`).redirect('/', 303)
      const shown = bearerOf(request.headers.authorization) ?? cookieOf(request)
      if (!isToken(shown, token))
        return pathname === '/'
          ? whenLocked(reply)
          : refuse(reply, 401, 'TOKEN_WRONG', 'The token is missing or wrong.')
    }
    if (isWrite(request) && !isOfPage(request, writeToken))
      return refuse(reply, 403, 'ORIGIN_WRONG', 'Only the page itself may write.')
  })
  server.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const known = error instanceof ShinsakuError ? statuses[error.code] : undefined
    if (known !== undefined) return refuse(reply, known, (error as ShinsakuError).code, error.message)
    const status = error.statusCode ?? 500
    if (status >= 400 && status < 500)
      return refuse(reply, status, 'REQUEST_INVALID', 'The request is not of the expected form.')
    return refuse(reply, 500, 'INTERNAL', 'The server failed.')
  })
  server.setNotFoundHandler((_, reply) => refuse(reply, 404, 'NOT_FOUND', 'There is nothing under that path.'))
}
