/** `shinsaku study`: methods compared on the same pictures, with progress and the tables. */
import { throwIfAny } from '../errors.ts'
import type { StudyOptions } from '../index.ts'
import { studyGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { exitCodes, type Io } from './io.ts'
import { withStop } from './with-stop.ts'

/** Runs the study; prints where the tables are, or everything as JSON. Resolves with the exit code. */
export async function studyCommand(
  data: readonly string[],
  flags: Record<string, unknown>,
  json: boolean,
  io: Io,
): Promise<number> {
  if (data.length === 0) throwIfAny([{ path: 'data', message: 'expected a folder of pictures' }])
  const { study } = await import('../index.ts')
  return withStop(
    io,
    'Stopping and saving. Another signal ends at once.',
    async ({ signal, progress }) => {
      const result = await study(data.length === 1 ? data[0]! : data, {
        ...(valuesOf(studyGroups(), flags) as StudyOptions),
        signal,
        onLog: (line) => progress.log(line),
        onProgress: ({ method, phase, share }) =>
          progress.update(`${method ?? 'comparing'}: ${phase} ${Math.floor(share * 100)}%`),
      })
      progress.end()
      io.stdout.write(json ? `${JSON.stringify(result)}\n` : `${result.files.markdown}\n`)
      return exitCodes.done
    },
    (code) => {
      io.stderr.write('Stopped. The same command goes on from here.\n')
      return code
    },
  )
}
