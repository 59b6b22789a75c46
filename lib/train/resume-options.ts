/** Which run is resumed, and with which options: those it was started with, and what may differ. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { openSource } from '../data/source.ts'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import { isLabelSet, namesNoLabelFile } from '../options/labels.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import { awaitsData, findRuns, readConfig, runNameOf } from '../run/directory.ts'
import { configFile } from '../run/names.ts'
import { requireOneLength } from './time-plan.ts'

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
  'time',
  'checkpointImages',
  'checkpointTime',
  'keepCheckpoints',
  'maxRollbacks',
  'guard',
  'guardTime',
  'stopOnCopies',
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

/** What makes data the same wherever it is read from: built-in icons by their whole name, the rest by its paths. */
async function placesOf(data: ResolvedTrainOptions['data']): Promise<readonly string[]> {
  if (typeof data !== 'string') return data.map((path) => resolve(path))
  return [data.startsWith('builtin:') ? (await openSource(data)).name : resolve(data)]
}

/** The newest run in `out` of this kind and of this data. A folder elsewhere that has the same last name is other data. */
async function findNewest(options: ResolvedTrainOptions, log: (line: string) => void): Promise<string | undefined> {
  const places = new Set(await placesOf(options.data))
  for await (const run of findRuns(options.out, runNameOf(options))) {
    const stored = (await readConfig(run)).data as ResolvedTrainOptions['data'] | undefined
    const known = stored !== undefined && !(await awaitsData(run))
    // A list may have grown: files in common are enough.
    if (!known || (await placesOf(stored)).some((place) => places.has(place))) {
      log(`Going on with ${run}`)
      return run
    }
    log(
      `${run} learned from other data of the same name (${String(stored)}); to go on with it, name it: resume, --resume ${run}`,
    )
  }
  return undefined
}

/** Throws RUN_NOT_FOUND where `run` is no run folder, with what it is. */
async function requireRun(run: string): Promise<void> {
  if (await stat(configFile(run)).catch(() => undefined)) return
  const found = await stat(run).catch(() => undefined)
  const what =
    found === undefined ? 'is not there' : found.isDirectory() ? 'is a folder without config.json' : 'is a file'
  throw new ShinsakuError('RUN_NOT_FOUND', `resume expects a run folder, but ${run} ${what}`, {
    hint: 'Give a folder that train() made, such as runs/00000-diffusion-128-icons; or the pictures as data, and resume without a name for their newest run: shinsaku train PICTURES --resume.',
  })
}

/**
 * The run to go on with and its options, or undefined where a new one is to be started: `resume` is false, or
 * true and there is no run of this kind in `out`. Throws RUN_NOT_FOUND, RESUME_MISMATCH.
 */
export async function findResumed(
  given: AnyTrainOptions,
  options: ResolvedTrainOptions,
  log: (line: string) => void = () => {},
): Promise<Resumed | undefined> {
  if (options.resume === false) return undefined
  if (typeof options.resume === 'string') await requireRun(options.resume)
  const run = typeof options.resume === 'string' ? options.resume : await findNewest(options, log)
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
 * The labels of a run that goes on: those that its network knows, wherever they are read from now. Others cannot take
 * their place, but a run without labels may be given some.
 */
function labelsOnResume(stored: unknown, given: AnyTrainOptions['labels']): unknown {
  if (!isLabelSet(stored) || typeof given !== 'string') return given
  const isFile = (from: string) => !namesNoLabelFile(from)
  if (given === stored.from) return stored
  return isFile(given) && isFile(stored.from) ? { ...stored, from: given } : given
}

/** Labels are the same wherever they are read from. */
const isSame = (a: unknown, b: unknown): boolean =>
  isLabelSet(a) && isLabelSet(b) ? isDeepStrictEqual(a.attributes, b.attributes) : isDeepStrictEqual(a, b)

/** Throws RESUME_MISMATCH where a run would lose its labels or get others: its network is made for those it has. */
function requireLabels(run: string, stored: unknown, { model, labels: wanted }: ResolvedTrainOptions): void {
  if (!isLabelSet(stored)) {
    if (wanted === null || definitionOf(model).learnsLabels !== 'from-the-start') return
    throw new ShinsakuError(
      'RESUME_MISMATCH',
      `${run} learned without labels, and the networks of model "${model}" are others with them`,
      { hint: 'Start a new run with labels.', details: { changed: ['labels'] } },
    )
  }
  if (isLabelSet(wanted) && isDeepStrictEqual(wanted.attributes, stored.attributes)) return
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `${run} learned with labels of its own (${stored.attributes.map(({ name }) => name).join(', ')}), which cannot be exchanged`,
    { hint: 'Leave labels out to go on with those, or start a new run.', details: { changed: ['labels'] } },
  )
}

/**
 * The run's options, with those free to change, and those that may, taken from what is given now.
 * Throws RESUME_MISMATCH.
 */
function merge(
  run: string,
  stored: Readonly<Record<string, unknown>>,
  given: AnyTrainOptions,
): Pick<Resumed, 'options' | 'changes'> {
  requireOneLength(given)
  const asked = Object.entries(given).filter(([, value]) => value !== undefined)
  const labels = given.labels === undefined ? {} : { labels: labelsOnResume(stored.labels, given.labels) }
  // Whoever names the images of a run that was bound in time sets it free.
  const length = given.maxImages === undefined ? {} : { time: null }
  const together = { ...stored, ...length, ...Object.fromEntries(asked), ...labels } as AnyTrainOptions
  // Resolved once, so that "20m" and 1200, or a default given outright, count as equal.
  const options = resolveTrain(together)
  requireLabels(run, stored.labels, options)
  const wanted = options as unknown as Record<string, unknown>
  const changed = asked.map(([name]) => name).filter((name) => !free.has(name) && !isSame(wanted[name], stored[name]))
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
