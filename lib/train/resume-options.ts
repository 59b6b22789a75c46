/** Which run is resumed, and with which options: those it was started with, and what may differ. */
import { isDeepStrictEqual } from 'node:util'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import { awaitsData, findNewestRun, readConfig, runName } from '../run/directory.ts'

/** Options that change how long, where or how visibly a run goes on, but not what it computes. */
const free = new Set([
  'data',
  'out',
  'resume',
  'allowChanges',
  'device',
  'threads',
  'pixelStore',
  'maxImages',
  'maxTime',
  'checkpointImages',
  'checkpointTime',
  'keepCheckpoints',
  'maxRollbacks',
  'logImages',
  'previews',
  'previewSteps',
])

export type Resumed = {
  run: string
  options: ResolvedTrainOptions
  /** One line for each option that differs and may. */
  changes: string[]
}

/**
 * The run to go on with and its options, or undefined where a new one is to be started: `resume` is false, or
 * true and there is no run of this kind in `out`.
 */
export async function findResumed(given: TrainOptions, options: ResolvedTrainOptions): Promise<Resumed | undefined> {
  if (options.resume === false) return undefined
  const run =
    typeof options.resume === 'string'
      ? options.resume
      : await findNewestRun(options.out, runName(options.model, options.size, options.data))
  if (run === undefined) return undefined
  if (given.data === undefined && (await awaitsData(run)))
    throwIfAny([{ path: 'data', message: `must be given, because ${run} was imported and has seen no pictures here` }])
  // What was allowed once is not allowed for ever.
  const { allowChanges: _, ...stored } = await readConfig(run)
  return { run, ...merge(run, stored, given) }
}

/** How to allow `names`, as a hint says it. */
export const hintToAllow = (names: readonly string[], otherwise: string): string =>
  `${otherwise}, start a new run without resume, or allow the change: allowChanges: ${JSON.stringify(names)}, --allow-changes ${names.join(',')}.`

/**
 * The run's options, with those free to change, and those that may, taken from what is given now.
 * Throws RESUME_MISMATCH.
 */
function merge(
  run: string,
  stored: Readonly<Record<string, unknown>>,
  given: TrainOptions,
): Pick<Resumed, 'options' | 'changes'> {
  const asked = Object.entries(given).filter(([, value]) => value !== undefined)
  const together = { ...stored, ...Object.fromEntries(asked) } as TrainOptions
  // Resolved once, so that "20m" and 1200, or a default given outright, count as equal.
  const options = resolveTrain(together)
  const wanted = options as unknown as Record<string, unknown>
  const changed = asked
    .map(([name]) => name)
    .filter((name) => !free.has(name) && !isDeepStrictEqual(wanted[name], stored[name]))
  const line = (name: string) =>
    `${name}: ${JSON.stringify(stored[name] ?? null)} then, ${JSON.stringify(wanted[name])} now`
  const refused = changed.filter((name) => !options.allowChanges?.includes(name))
  if (refused.length > 0) {
    throw new ShinsakuError(
      'RESUME_MISMATCH',
      `The options differ from those ${run} was started with:\n${refused.map((name) => `  ${line(name)}`).join('\n')}`,
      {
        hint: hintToAllow(refused, 'Leave these options out to go on with the run as it was'),
        details: { changed: refused },
      },
    )
  }
  return { options, changes: changed.map(line) }
}
