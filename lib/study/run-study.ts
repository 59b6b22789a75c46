/** The course of a study: what is done already, then each method in its turn, then the tables. */
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { compare, evaluate } from '../evaluate/evaluate.ts'
import { readAnyJson } from '../files/read.ts'
import { makeFolderDurable, toJson, writeDurable } from '../files/write.ts'
import { definitionOf } from '../models/table.ts'
import { isPublished, optionOrigins } from '../options/recipes.ts'
import { resolveOnly, resolveTrain } from '../options/resolve.ts'
import { type ResolvedStudyOptions, type StudyMethod, studyMethod, studySpecs } from '../options/study.ts'
import type { AnyTrainOptions, TrainOptions } from '../options/types.ts'
import { train } from '../train/run.ts'
import type { Study, StudyCall, StudyComparison, StudyRow } from './result.ts'
import { tablesOf } from './tables.ts'

type Hooks = Pick<StudyCall, 'signal' | 'onProgress' | 'onLog'>
/** What training that blows up ends with, once going back to a checkpoint does not help. */
const diverged: ReadonlySet<string> = new Set(['LOSS_NOT_FINITE', 'WEIGHTS_NOT_FINITE'])

type Data = string | readonly string[]

/** What decides about the results: what has to be equal for a study to go on. */
type Identity = Omit<ResolvedStudyOptions, 'methods' | 'out' | 'against' | 'device' | 'threads'> & { data: Data }

/** What a study has written before; undefined where it has not. */
const readIfThere = (path: string): Promise<unknown> =>
  access(path).then(
    () => readAnyJson(path),
    () => undefined,
  )

const optionsFile = (folder: string): string => join(folder, 'options.json')

/** The options with which `method` is trained. */
export function trainOptionsOf(method: StudyMethod, data: Data, options: ResolvedStudyOptions): AnyTrainOptions {
  const { size, seed, minutes, device, threads, out } = options
  const own = studyMethod(method).train
  const { recipe } = own
  return {
    ...own,
    data: data as string | string[],
    out: join(resolve(out), method),
    size,
    seed,
    flip: true,
    holdout: 'auto',
    // A published recipe has its own length and schedule, and is stopped; ours follow the clock, and the copy guard.
    ...(recipe === undefined || recipe === null || !isPublished(recipe)
      ? { time: minutes * 60 }
      : { guard: false, maxTime: minutes * 60, maxImages: Number.MAX_SAFE_INTEGER }),
    device,
    threads,
    resume: true,
  }
}

/** Makes the folder, or finds that of a study of the same options. Throws RESUME_MISMATCH. */
async function openFolder(folder: string, identity: Identity): Promise<void> {
  const stored = await readIfThere(optionsFile(folder))
  if (stored === undefined) {
    await makeFolderDurable(folder)
    await writeDurable(optionsFile(folder), toJson(identity))
    return
  }
  const now = JSON.parse(JSON.stringify(identity)) as Record<string, unknown>
  const then = stored as Record<string, unknown>
  const changed = Object.keys(now).filter((name) => !isDeepStrictEqual(now[name], then[name]))
  if (changed.length === 0) return
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `${folder} is a study of other options:\n${changed.map((name) => `  ${name}: ${JSON.stringify(then[name] ?? null)} then, ${JSON.stringify(now[name])} now`).join('\n')}`,
    { hint: 'Name another folder as out, or give the options it was started with to go on.', details: { changed } },
  )
}

/** Options that say how long a run is and what is looked at on the way. */
const aside: ReadonlySet<string> = new Set(['maxImages', 'checkpointImages', 'previewSteps'])

/** Options of network, loss and optimizer that the source of the method's recipe leaves open. */
function openOptions(given: AnyTrainOptions): string[] {
  const { recipe } = given
  if (recipe === undefined || recipe === null || !isPublished(recipe)) return []
  const resolved = resolveTrain(given)
  const { specs, defaults } = definitionOf(resolved.model)
  const matters = new Set([...Object.keys(specs), ...Object.keys(defaults[resolved.variant] ?? {})])
  const origins = optionOrigins(recipe, resolved as never, given as Record<string, unknown>)
  return Object.keys(origins).filter((name) => origins[name] === 'chosen' && matters.has(name) && !aside.has(name))
}

async function trainMethod(
  method: StudyMethod,
  options: AnyTrainOptions,
  { signal, onProgress, onLog }: Hooks,
): Promise<Pick<StudyRow, 'run' | 'images' | 'seconds' | 'failure'>> {
  const limit = (options.time ?? options.maxTime) as number
  const run = train({ ...(options as TrainOptions), ...(signal ? { signal } : {}), ...(onLog ? { onLog } : {}) })
  let [images, seconds] = [0, 0]
  try {
    for await (const status of run) {
      images = status.images
      seconds = status.elapsedSeconds
      onProgress?.({ method, phase: 'training', share: Math.min(1, seconds / limit) })
    }
    const model = await run
    images = model.images
    model.dispose()
    return { run: run.folder!, images, seconds, failure: null }
  } catch (error) {
    // The table says so; the other methods have their turn all the same.
    if (!(error instanceof ShinsakuError) || !diverged.has(error.code)) throw error
    return { run: run.folder!, images, seconds, failure: error.message }
  }
}

async function runMethod(
  method: StudyMethod,
  data: Data,
  options: ResolvedStudyOptions,
  hooks: Hooks,
): Promise<StudyRow> {
  const folder = join(resolve(options.out), method)
  const resultFile = join(folder, 'result.json')
  const done = await readIfThere(resultFile)
  if (done !== undefined) return done as StudyRow
  const given = trainOptionsOf(method, data, options)
  const { label } = studyMethod(method)
  hooks.onLog?.(`${label}: training for ${options.minutes} minutes`)
  const trained = await trainMethod(method, given, hooks)
  const row: StudyRow = { method, label, open: openOptions(given), ...trained, judgement: null, report: null }
  if (trained.failure === null) {
    hooks.onLog?.(`${label}: sampling and measuring ${options.count} pictures`)
    const { count, extractor, device, threads } = options
    const { signal, onProgress } = hooks
    const {
      run: _,
      images: __,
      folder: ___,
      report,
      ...judgement
    } = await evaluate(trained.run, {
      count,
      extractor,
      device,
      threads,
      signal,
      onProgress: ({ phase, done, total }) => onProgress?.({ method, phase, share: total === 0 ? 0 : done / total }),
    })
    row.judgement = judgement
    row.report = report.html
  }
  await writeDurable(resultFile, toJson(row))
  return row
}

async function compareFolders(data: Data, options: ResolvedStudyOptions, hooks: Hooks): Promise<StudyComparison[]> {
  const comparisons: StudyComparison[] = []
  const { size, extractor, device } = options
  for (const folder of options.against ?? []) {
    hooks.onLog?.(`Comparing with ${folder}`)
    const {
      size: _,
      warnings: __,
      ...judgement
    } = await compare(data, folder, {
      size,
      extractor,
      device,
      signal: hooks.signal,
      onProgress: ({ phase, done, total }) =>
        hooks.onProgress?.({ method: undefined, phase, share: total === 0 ? 0 : done / total }),
    })
    comparisons.push({ folder, judgement })
  }
  return comparisons
}

export async function runStudy(data: Data, call: StudyCall): Promise<Study> {
  const { signal, onProgress, onLog, ...given } = call
  const hooks = { signal, onProgress, onLog } as Hooks
  const options = resolveOnly(studySpecs, given)
  if (new Set(options.methods).size < options.methods.length)
    throwIfAny([{ path: 'methods', message: `names one method twice: ${options.methods.join(', ')}` }])
  // Whatever a method cannot do, such as this size, is known before any is trained.
  for (const method of options.methods) resolveTrain(trainOptionsOf(method, data, options))
  const { methods, out, against: _, device: __, threads: ___, ...identity } = options
  const folder = resolve(out)
  await openFolder(folder, { ...identity, data })
  const rows: StudyRow[] = []
  for (const method of methods) rows.push(await runMethod(method, data, options, hooks))
  const comparisons = await compareFolders(data, options, hooks)
  const files = { json: join(folder, 'study.json'), markdown: join(folder, 'study.md') }
  await writeDurable(files.json, toJson({ options: { ...identity, data }, rows, comparisons }))
  await writeDurable(files.markdown, tablesOf({ rows, comparisons, options, data }))
  return { folder, rows, comparisons, files }
}
