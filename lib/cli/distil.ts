/** `shinsaku distil`: the stages of a distillation, their progress, and a clean end at the first Ctrl-C. */
import type { Distillation, DistilOptions, DistilStatus } from '../index.ts'
import { distilGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { shellQuote } from './format.ts'
import type { Io } from './io.ts'
import { follow } from './train.ts'

/** Distils; resolves with the exit code. */
export async function distilCommand(
  run: string,
  flags: Record<string, unknown>,
  json: boolean,
  io: Io,
): Promise<number> {
  const { distil } = await import('../index.ts')
  const options = valuesOf(distilGroups(), flags) as DistilOptions
  return follow<Distillation>(
    {
      start: (hooks) => distil(run, { ...options, ...hooks }),
      folderOf: ({ folders }) => folders.at(-1),
      prefixOf: (status) => {
        const { steps, stage, stages } = status as DistilStatus
        return `${steps} steps (${stage} of ${stages})  `
      },
      resume: () => `shinsaku distil ${shellQuote(run)} --resume${options.steps ? ` --steps ${options.steps}` : ''}`,
    },
    json,
    io,
  )
}
