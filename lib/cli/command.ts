/** What commands have in common: their flags, and the run that they are about. */
import type { Command } from 'commander'
import { visible } from '../errors.ts'
import { trainSpecs } from '../options/train.ts'
import type { Io } from './io.ts'

export type Flags = Record<string, unknown> & {
  json?: boolean
  cpu?: boolean
  cuda?: boolean
  clear?: boolean
  layers?: boolean
  report?: string | true
  queue?: boolean
}

/** Where runs are where nobody says otherwise. */
export const runsFolder = trainSpecs.out.default!

export function addCommonFlags(command: Command): Command {
  return command
    .optionsGroup('Options of the command line:')
    .option('--json', 'write JSON for programs: to stdout, and errors to stderr')
    .option('--debug', 'show where an error came from')
    .helpOption('-h, --help', 'show this help')
}

export const runArgument = `run folder, one checkpoint of it, or a file of weights (default: the newest run in ${runsFolder})`

/** The newest run where none is named; says which. */
export async function newestRunHere({ stderr }: Io): Promise<string> {
  const { newestRun } = await import('../run/list.ts')
  const run = await newestRun(runsFolder)
  stderr.write(`Newest run: ${visible(run)}\n`)
  return run
}
