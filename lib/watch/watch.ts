/** The page to watch runs by, on a port of this machine. */
import { throwIfAny } from '../errors.ts'
import { listen } from '../http/listen.ts'
import { requiredToken } from '../http/token.ts'
import type { Given } from '../options/option-spec.ts'
import { resolveOnly } from '../options/resolve.ts'
import { watchSpecs } from '../options/watch.ts'
import { makeWriteToken } from './access.ts'
import { WatchedRuns } from './runs.ts'
import { makeWatchServer, userQueue } from './server.ts'

export type WatchOptions = Given<typeof watchSpecs> & {
  /** Whether a folder that is not there yet is waited for. */
  mayWait?: boolean
}

export type Watching = { url: string; close(): Promise<void> }

/**
 * Serves the page of a folder of runs, or of one run, until `close()`. Throws RUN_NOT_FOUND, TOKEN_MISSING, PORT_TAKEN,
 * OPTION_INVALID.
 */
export async function watch(path: string, { mayWait = false, ...given }: WatchOptions = {}): Promise<Watching> {
  if (typeof path !== 'string' || path === '')
    throwIfAny([{ path: 'runs', message: `expected a folder of runs, but got ${JSON.stringify(path)}` }])
  const { host, port } = resolveOnly(watchSpecs, given)
  const token = requiredToken(host, process.env)
  const runs = await WatchedRuns.open(path, mayWait)
  const access = { host, token, writeToken: makeWriteToken() }
  const server = await makeWatchServer({ runs, access, queue: userQueue })
  const url = await listen(server, host, port)
  return { url, close: () => server.close() }
}
