/** Which run is gone on with, and what differs from the options and pictures it was started with. */
import { isDeepStrictEqual } from 'node:util'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { type ResolvedTrainOptions, resolveTrain, type TrainOptions } from '../options/resolve.ts'
import type { DatasetFile } from '../run/dataset-record.ts'
import { awaitsData, findNewestRun, type RunDirectory, readConfig, runName } from '../run/directory.ts'

/** Options that change how long, where or how visibly a run goes on, but not what it computes. */
const free = new Set([
  'data',
  'out',
  'resume',
  'allowChanges',
  'device',
  'threads',
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
const hintToAllow = (names: readonly string[], otherwise: string): string =>
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

const MAX_NAMED = 3

/** Some of the paths, and how many there are: `2 added (a.png, b.png)`. */
function some(paths: readonly string[], what: string): string[] {
  if (paths.length === 0) return []
  const named = paths.slice(0, MAX_NAMED).join(', ')
  return [`${paths.length} ${what} (${named}${paths.length > MAX_NAMED ? ', ...' : ''})`]
}

/** What became of the files of a data set, in words. */
export function describeFiles(then: readonly DatasetFile[], now: readonly DatasetFile[]): string {
  const [before, after] = [then, now].map((files) => new Map(files.map(({ path, sha256 }) => [path, sha256])))
  const paths = (files: readonly DatasetFile[], wanted: (path: string) => boolean) =>
    files.map(({ path }) => path).filter(wanted)
  const parts = [
    ...some(
      paths(now, (path) => !before!.has(path)),
      'added',
    ),
    ...some(
      paths(then, (path) => !after!.has(path)),
      'missing',
    ),
    ...some(
      paths(now, (path) => before!.has(path) && before!.get(path) !== after!.get(path)),
      'with other content',
    ),
  ]
  return parts.length === 0 ? 'the same files in another order' : parts.join(', ')
}

type Digested = { digest: string; count: number; files: readonly DatasetFile[] }

/**
 * What differs from the pictures the run was started with; undefined where nothing does.
 * Throws RESUME_MISMATCH unless "data" may differ.
 */
export async function comparePictures(
  directory: Pick<RunDirectory, 'path' | 'readDataset' | 'readDatasetFiles'>,
  now: Digested,
  allowChanges: readonly string[] | null,
): Promise<string | undefined> {
  const then = await directory.readDataset()
  if (then.digest === now.digest) return undefined
  const what = describeFiles(await directory.readDatasetFiles(), now.files)
  const change = `${then.count} then, ${now.count} now: ${what}`
  if (allowChanges?.includes('data')) return change
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `The pictures differ from those ${directory.path} was started with: ${change}`,
    { hint: hintToAllow(['data'], 'Give the same pictures again'), details: { changed: ['data'] } },
  )
}
