/** Answers as clients of OpenAI's image API read them: JSON, and errors with a code of this package. */
import { randomUUID } from 'node:crypto'
import { type ErrorCode, type Problem, ShinsakuError } from '../errors.ts'

/** What a client may know; every other error is the operator's affair. */
const statuses: Partial<Record<ErrorCode, number>> = {
  CLIENT_LIMIT: 429,
  MODEL_UNKNOWN: 404,
  OPTION_INVALID: 400,
  REQUEST_INVALID: 400,
  ROUTE_UNKNOWN: 404,
  SERVER_BUSY: 503,
  TOKEN_INVALID: 401,
}

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

export type ErrorBody = {
  error: { message: string; type: string; param: string | null; code: string }
}

export type ErrorAnswer = { status: number; headers: Record<string, string>; body: ErrorBody }

/** A wrong request. `param` is the field that is wrong, `status` another than 400. */
export const requestInvalid = (message: string, param: string | null = null, status = 400, headers = {}) =>
  new ShinsakuError('REQUEST_INVALID', message, { details: { param, status, headers } })

/** 503 or 429, and when to ask again. */
export const tryLater = (code: 'SERVER_BUSY' | 'CLIENT_LIMIT', message: string, seconds: number) =>
  new ShinsakuError(code, message, { details: { headers: { 'retry-after': String(Math.max(1, Math.ceil(seconds))) } } })

/** The first wrong option names the field; its message is for people. */
function ofOptions({ details, message }: ShinsakuError): { message: string; param: string | null } {
  const [problem] = (details.problems ?? []) as Problem[]
  return problem ? { message: `${problem.path}: ${problem.message}`, param: problem.path } : { message, param: null }
}

/** Whether an error is the operator's affair: nothing that a client has done, or may know of. */
export const isOurs = (error: unknown): boolean =>
  !(error instanceof ShinsakuError) || (error.code !== 'ABORT_ERR' && statuses[error.code] === undefined)

/** How an error is answered. Nothing of an unexpected one but its code is told. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const known = error instanceof ShinsakuError ? error : undefined
  const usual = known && statuses[known.code]
  if (!known || usual === undefined) {
    const message = 'The pictures could not be made. The log of the server says why.'
    return answerOf(500, { message, param: null, code: known?.code ?? 'INTERNAL' }, {})
  }
  const {
    status = usual,
    headers = {},
    param = null,
  } = known.details as {
    status?: number
    headers?: Record<string, string>
    param?: string | null
  }
  const { code, message } = known
  const told = code === 'OPTION_INVALID' ? ofOptions(known) : { message, param }
  return answerOf(status, { ...told, code }, headers)
}

const answerOf = (
  status: number,
  error: { message: string; param: string | null; code: string },
  headers: Record<string, string>,
): ErrorAnswer => ({ status, headers, body: { error: { ...error, type: typeOf(status) } } })

/** Headers of every answer. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

export const commonHeaders = (): Record<string, string> => ({ ...always, 'x-request-id': randomUUID() })

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { ...commonHeaders(), 'content-type': 'application/json', ...headers },
  })

export const text = (body: string, type: string, headers: Record<string, string> = {}): Response =>
  new Response(body, { headers: { ...commonHeaders(), 'content-type': `${type}; charset=utf-8`, ...headers } })

export function errorResponse(error: unknown): Response {
  const { status, headers, body } = errorAnswer(error)
  return json(body, status, headers)
}
