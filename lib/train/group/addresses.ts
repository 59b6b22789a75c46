/** The addresses that a group uses: of rank 0's store, and of this machine towards it. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Launch } from '../../distributed/environment.ts'
import { ShinsakuError } from '../../errors.ts'

export type Addresses = {
  /** Of the store, as a number. */
  host: string
  /** What rank 0 listens on: that address, or all where it is not this machine's own, as that of a service is not. */
  listen: string
  /** Of this machine, which the others reach it by. */
  address: string
}

const invalid = (message: string, hint: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('DISTRIBUTED_INVALID', message, { hint, cause })

/** IPv4 where there is one: "localhost" may mean ::1 to one process and 127.0.0.1 to another. */
async function resolveHost(host: string): Promise<string> {
  try {
    const found = await lookup(host, { all: true })
    return (found.find(({ family }) => family === 4) ?? found[0]!).address
  } catch (cause) {
    throw invalid(
      `MASTER_ADDR is ${host}, whose address this machine cannot find`,
      'Set it to the name or address of the machine of rank 0.',
      cause,
    )
  }
}

/** The address that packets to `host` leave this machine from; none is sent. */
function localAddress(host: string, port: number): Promise<string> {
  const socket = createSocket(isIPv4(host) ? 'udp4' : 'udp6')
  return new Promise<string>((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, host, () => resolve(socket.address().address))
  }).finally(() => socket.close())
}

function addressOfInterface(name: string): string {
  const found = networkInterfaces()[name]
  const address = found?.find(({ family }) => family === 'IPv4') ?? found?.[0]
  if (address) return address.address
  throw invalid(
    `GLOO_SOCKET_IFNAME is ${name}, but this machine has no such network interface`,
    `It has: ${Object.keys(networkInterfaces()).join(', ')}.`,
  )
}

/** Rejects with DISTRIBUTED_INVALID. */
export async function addressesOf(
  { host: name, port }: Pick<Launch, 'host' | 'port'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Addresses> {
  const host = await resolveHost(name)
  const own = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === host))
  const wanted = env.GLOO_SOCKET_IFNAME
  return {
    host,
    listen: own || host.startsWith('127.') ? host : isIPv4(host) ? '0.0.0.0' : '::',
    address: wanted ? addressOfInterface(wanted) : await localAddress(host, port),
  }
}
