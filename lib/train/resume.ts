/** Which run is gone on with, and whether the options and pictures given now are those it was started with. */
import { isDeepStrictEqual } from 'node:util'
import { ShinsakuError } from '../errors.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import { findNewestRun, readConfig, runName } from '../run/directory.ts'

/** Options that change how long, where or how visibly a run goes on, but not what it computes. */
const free = new Set([
  'data',
  'out',
  'resume',
  'device',
  'threads',
  'maxImages',
  'maxTime',
  'snapshotImages',
  'snapshotTime',
  'keep',
  'logImages',
  'previews',
  'previewSteps',
])

export type Resumed = { run: string; options: ResolvedTrainOptions }

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
  const stored = await readConfig(run)
  return { run, options: merge(run, stored, given) }
}

/** The run's options, with those free to change taken from what is given now. Throws RESUME_MISMATCH. */
function merge(run: string, stored: Readonly<Record<string, unknown>>, given: TrainOptions): ResolvedTrainOptions {
  const asked = Object.entries(given).filter(([, value]) => value !== undefined)
  const together = { ...stored, ...Object.fromEntries(asked) } as TrainOptions
  // Resolved once, so that "20m" and 1200, or a default given outright, count as equal.
  const wanted = resolveTrain(together) as unknown as Record<string, unknown>
  const changed = asked.filter(([name]) => !free.has(name) && !isDeepStrictEqual(wanted[name], stored[name]))
  if (changed.length > 0) {
    const lines = changed.map(
      ([name]) => `  ${name}: ${JSON.stringify(stored[name] ?? null)} then, ${JSON.stringify(wanted[name])} now`,
    )
    throw new ShinsakuError(
      'RESUME_MISMATCH',
      `The options differ from those ${run} was started with:\n${lines.join('\n')}`,
      {
        hint: 'Leave these options out to go on with the run as it was, or start a new run without resume.',
        details: { changed: changed.map(([name]) => name) },
      },
    )
  }
  return wanted as unknown as ResolvedTrainOptions
}

/** Throws RESUME_MISMATCH unless the pictures are those the run was started with. */
export function requireSameData(
  run: string,
  then: { digest: string; count: number },
  now: { digest: string; count: number },
): void {
  if (then.digest === now.digest) return
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `The pictures differ from those ${run} was started with: ${then.count} then, ${now.count} now, or other content or preparation`,
    {
      hint: 'Give the same pictures again, or start a new run without resume.',
    },
  )
}
