/** Which names a server answers to: a page elsewhere must not reach it under a name of its own (DNS rebinding). */
import { isIP } from 'node:net'

/** The host of a `Host` header without its port, in lower case; undefined for what is none. */
export function hostOf(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(header ?? '')
  return match?.[1]?.replace(/^\[|\]$/g, '').toLowerCase()
}

/** Whether only programs of this machine can reach an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/**
 * Whether a request came under a name that a server on `host` answers to. Addresses cannot be rebound, so any is right;
 * of names, `localhost`, `host` itself, and those in `names`.
 */
export function isKnownHost(header: string | undefined, host: string, names: readonly string[] = []): boolean {
  const asked = hostOf(header)
  if (asked === undefined) return false
  return isIP(asked) !== 0 || asked === 'localhost' || asked === host.toLowerCase() || names.includes(asked)
}

/** A URL of a server, where `host` may be an address of version 6. */
export const urlOf = (host: string, port: number): string => `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
