/** `shinsaku watch`: serves the page until it is stopped. */
import { watchGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { exitCodes, type Io, onStopSignals } from './io.ts'

/** `mayWait`: nobody has named the folder, so it may be one that the first run will make. Resolves with the exit code. */
export async function watchCommand(
  runs: string,
  mayWait: boolean,
  flags: Record<string, unknown>,
  json: boolean,
  io: Io,
): Promise<number> {
  const { watch } = await import('../watch/watch.ts')
  const { url, close } = await watch(runs, { ...valuesOf(watchGroups(), flags), mayWait })
  io.stdout.write(json ? `${JSON.stringify({ url })}\n` : `${url}\n`)
  const token = process.env.SHINSAKU_TOKEN ? ' with /?token= and SHINSAKU_TOKEN at its end' : ''
  io.stderr.write(`Open it in a browser${token}. Ctrl-C ends it; runs go on.\n`)
  await new Promise<void>((resolve) => {
    const undo = onStopSignals(io, () => {
      undo()
      resolve()
    })
  })
  await close()
  return exitCodes.done
}
