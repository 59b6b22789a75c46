/** The token of a server that others than this machine can reach. It comes from the environment: arguments are for all to see. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { isLoopback } from './hosts.ts'

const MIN_LENGTH = 16

/**
 * The token that requests to a server on `host` must show: SHINSAKU_TOKEN. Null, for none, only on loopback. Throws
 * TOKEN_MISSING, and OPTION_INVALID for a short one.
 */
export function requiredToken(host: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const token = env.SHINSAKU_TOKEN || null
  if (token !== null && !/^[\w.~+/=-]+$/.test(token))
    throwIfAny([{ path: 'SHINSAKU_TOKEN', message: 'expected letters, digits and ._~+/=- only' }])
  if (token !== null && token.length < MIN_LENGTH)
    throwIfAny([{ path: 'SHINSAKU_TOKEN', message: `expected at least ${MIN_LENGTH} characters` }])
  if (token === null && !isLoopback(host))
    throw new ShinsakuError('TOKEN_MISSING', `Others can reach a server on ${host}, and no token keeps them out`, {
      hint: 'Set SHINSAKU_TOKEN, for example to what `openssl rand -hex 16` prints, or listen on 127.0.0.1.',
    })
  return token
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether a given token is the right one, in a time that says nothing about it. */
export const isToken = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(digest(given), digest(token))

/** The token in an `Authorization: Bearer` header. */
export const bearerOf = (header: string | undefined): string | undefined =>
  /^Bearer ([\w.~+/=-]+)$/i.exec(header ?? '')?.[1]
