/** Who a request comes from, so that one client cannot take the place of all others. */
import { isIP } from 'node:net'

/** What a server knows beside the request: our own gives `client`, @hono/node-server `incoming`. */
type Context = { client?: unknown; incoming?: { socket?: { remoteAddress?: unknown } } }

/** An address as clients have them: of version 6, a household has a whole /64. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')
}

/** The address that the server has told; all others are one client. */
export function clientOf(_request: Request, context: unknown): string {
  const { client, incoming } = (context ?? {}) as Context
  const address = client ?? incoming?.socket?.remoteAddress
  return typeof address === 'string' ? networkOf(address) : ''
}
