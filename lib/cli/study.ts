/** `shinsaku study`: methods compared on the same pictures, with progress and the tables. */
import { ShinsakuError, throwIfAny } from '../errors.ts'
import type { StudyOptions } from '../index.ts'
import { studyGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'
import { Progress } from './progress.ts'

/** Runs the study; prints where the tables are, or everything as JSON. Resolves with the exit code. */
export async function studyCommand(
  data: readonly string[],
  flags: Record<string, unknown>,
  json: boolean,
  io: Io,
): Promise<number> {
  if (data.length === 0) throwIfAny([{ path: 'data', message: 'expected a folder of pictures' }])
  const { study } = await import('../index.ts')
  const progress = new Progress(io.stderr)
  const abort = new AbortController()
  let stoppedBy: StopSignal | undefined
  const undo = onStopSignals(io, (signal) => {
    stoppedBy = signal
    progress.log('Stopping and saving. Another signal ends at once.')
    abort.abort()
  })
  try {
    const result = await study(data.length === 1 ? data[0]! : data, {
      ...(valuesOf(studyGroups(), flags) as StudyOptions),
      signal: abort.signal,
      onLog: (line) => progress.log(line),
      onProgress: ({ method, phase, share }) =>
        progress.update(`${method ?? 'comparing'}: ${phase} ${Math.floor(share * 100)}%`),
    })
    progress.end()
    io.stdout.write(json ? `${JSON.stringify(result)}\n` : `${result.files.markdown}\n`)
    return exitCodes.done
  } catch (error) {
    progress.end()
    if (!stoppedBy || !(error instanceof ShinsakuError) || error.code !== 'ABORT_ERR') throw error
    io.stderr.write('Stopped. The same command goes on from here.\n')
    return exitCodes[stoppedBy]
  } finally {
    undo()
  }
}
