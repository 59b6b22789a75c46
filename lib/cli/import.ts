/** `shinsaku import`: from the files of PyTorch programs. */
import type { ImportOptions } from '../index.ts'
import { trainGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatPath, shellQuote } from './format.ts'
import type { Io } from './io.ts'

type Values = Readonly<Record<string, unknown>>

/** Options of `train` that an import cannot take: they belong to the run that resumes it. */
export const notImported = ['data', 'resume']

/** Makes a run folder of files; prints it. */
export async function importCommand(
  files: string[],
  flags: Values,
  json: boolean,
  { stdout, stderr }: Io,
): Promise<void> {
  const { importCheckpoint } = await import('../index.ts')
  const images = flags.images === undefined ? {} : { images: Number(flags.images) }
  const options = { ...valuesOf(trainGroups(), flags), ...images } as ImportOptions
  const imported = await importCheckpoint(files, { ...options, onLog: (line) => stderr.write(`${line}\n`) })
  const run = formatPath(imported.run)
  const folder = shellQuote(run)
  stdout.write(json ? `${JSON.stringify({ ...imported, run })}\n` : `${run}\n`)
  stderr.write(`Sample: shinsaku sample ${folder} -n 16 -o grid.png\n`)
  stderr.write(`Resume: shinsaku train --resume ${folder} FOLDER_OF_PICTURES\n`)
}
