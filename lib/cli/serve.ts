/** `shinsaku serve`: the models of runs behind an API and a page, until it is told to end. */
import { visible } from '../errors.ts'
import { requiredToken } from '../http/token.ts'
import type { ServeOptions } from '../index.ts'
import { resolveOnly } from '../options/resolve.ts'
import { serverSpecs } from '../options/serve.ts'
import { serveGroups, serverGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'

type Values = Record<string, unknown>

const FOLLOW_MS = 10_000

/** `faces=runs/00001-...` gives a model a name; without one it has that of its folder. */
function namedRuns(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const named = /^([\w.-]+)=(.+)$/s.exec(text)
      if (named) return [named[1]!, named[2]!]
      return [text.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, ''), text]
    }),
  )
}

/** Serves until a signal asks for an end; resolves with the exit code. */
export async function serveCommand(runs: readonly string[], flags: Values, json: boolean, io: Io): Promise<number> {
  const { host, port, follow, drainTime } = resolveOnly(serverSpecs, valuesOf(serverGroups(), flags))
  const token = requiredToken(host, process.env)
  const { createHandler } = await import('../index.ts')
  const { listen } = await import('../serve/listen.ts')
  const say = (text: string) => io.stderr.write(`${text}\n`)
  const tell = (error: unknown) => say(`error ${visible(String((error as Error).message))}`)
  const handler = createHandler(namedRuns(runs), {
    ...(valuesOf(serveGroups(), flags) as ServeOptions),
    ...(token === null ? {} : { token }),
    onError: tell,
  })
  // What is wrong with a run is known before anybody connects.
  await handler.ready()
  const server = await listen(handler, { host, port })
  io.stdout.write(json ? `${JSON.stringify({ url: server.url })}\n` : `${server.url}\n`)
  const reload = () =>
    handler.reload().then((names) => names.length > 0 && say(`Newer checkpoints of: ${names.join(', ')}`), tell)
  const following = follow ? setInterval(reload, FOLLOW_MS) : undefined
  // A terminal that closes ends the server; a service manager means its configuration.
  const hangupEnds = io.stderr.isTTY === true
  if (!hangupEnds) io.signals.on('SIGHUP', reload)
  const stopSignals = io.stopSignals.filter((signal) => signal !== 'SIGHUP' || hangupEnds)
  let undo = () => {}
  const stopped = await new Promise<StopSignal>((resolve) => {
    undo = onStopSignals({ ...io, stopSignals }, resolve)
  })
  say(`Ending after ${stopped}; pictures that are asked for are finished first. Another signal ends at once.`)
  clearInterval(following)
  const finished = await server.close(drainTime)
  undo()
  io.signals.off('SIGHUP', reload)
  if (!finished) say(`Not all pictures could be finished within ${drainTime} s.`)
  return finished ? exitCodes.done : exitCodes.failed
}
