/** What the page shows of one run beside its curves and its log, read from the files of its folder. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { listCheckpoints } from '../checkpoint/find.ts'
import { explanations, formatValue } from '../evaluate/explain.ts'
import { centreOf, type Measured, type MetricName } from '../evaluate/metrics.ts'
import { readAnyJson, readJson } from '../files/read.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions } from '../options/types.ts'
import { flagText } from '../options/value-kind.ts'
import { type DatasetFacts, readDatasetFacts } from '../run/dataset-facts.ts'
import { environmentFile, readConfig } from '../run/directory.ts'
import { stampOf } from '../run/follow.ts'
import { summarize } from '../run/list.ts'
import { datasetFile } from '../run/names.ts'
import type { ListedRun } from './runs.ts'

/** A name and a value, both for people. */
export type Fact = readonly [name: string, value: string]

export type ShownEvaluation = {
  images: number
  /** The folder of the report in the run's evaluation folder. */
  name: string
  verdict: string
  because: string[]
  facts: Fact[]
}

export type RunDetails = ListedRun & {
  /** Images after which it ends; null where its options cannot be read. */
  maxImages: number | null
  options: Fact[]
  environment: Fact[]
  data: DatasetFacts | null
  /** Images of the preview grids, of the guard's grids of nearest pictures, and of the checkpoints. */
  samples: number[]
  nearest: number[]
  checkpoints: number[]
  reals: boolean
  evaluations: ShownEvaluation[]
  /** What could not be read, and why. */
  problems: string[]
}

/** The files and folders that a change of the details shows in. */
export const detailFiles = [
  'config.json',
  'environment.json',
  'dataset.json',
  'reals.png',
  'samples',
  'nearest',
  'checkpoints',
  'evaluation',
]

const MAX_GRIDS = 10_000

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Images of the grids in a folder of a run. */
async function gridsIn(folder: string): Promise<number[]> {
  const found = (await namesIn(folder)).flatMap((name) => (/^\d{9,16}\.png$/.test(name) ? [parseInt(name, 10)] : []))
  return found.sort((a, b) => a - b).slice(-MAX_GRIDS)
}

const verdictSchema = z.looseObject({
  n: z.number(),
  verdict: z.object({ word: z.string(), because: z.array(z.string()) }),
})
const measuredSchema = z.union([z.number(), z.object({ value: z.number(), low: z.number(), high: z.number() })])

function factOf(name: MetricName, value: unknown): Fact[] {
  const parsed = measuredSchema.safeParse(value)
  if (!parsed.success) return []
  const measured: Measured = parsed.data
  const centre = formatValue(name, centreOf(measured)!)
  if (typeof measured === 'number') return [[explanations[name].title, centre]]
  const [low, high] = [formatValue(name, measured.low), formatValue(name, measured.high)]
  return [[explanations[name].title, `${centre} (${low} to ${high})`]]
}

async function readEvaluations(run: string): Promise<ShownEvaluation[]> {
  const folder = join(run, 'evaluation')
  const shown: ShownEvaluation[] = []
  for (const name of (await namesIn(folder)).filter((other) => /^\d{9,16}$/.test(other)).sort()) {
    // A report that is not finished has no report.json yet.
    const report = await readJson(join(folder, name, 'report.json'), verdictSchema).catch(() => undefined)
    if (!report) continue
    const { word, because } = report.verdict
    const facts = (Object.keys(explanations) as MetricName[]).flatMap((metric) => factOf(metric, report[metric]))
    const of: Fact = ['Samples', report.n.toLocaleString('en-US')]
    shown.push({ images: parseInt(name, 10), name, verdict: word, because, facts: [of, ...facts] })
  }
  return shown
}

/** Values of an object of any form, as texts. */
const factsOf = (values: object): Fact[] =>
  Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : flagText(value),
  ])

/** Keeps what it has read of a dataset.json, which may be long and does not change with each preview. */
export class DatasetMemory {
  #known: { stamp: string; facts: DatasetFacts } | undefined

  async read(run: string): Promise<DatasetFacts> {
    const stamp = await stampOf(run, ['dataset.json'])
    if (this.#known?.stamp !== stamp) this.#known = { stamp, facts: await readDatasetFacts(datasetFile(run)) }
    return this.#known.facts
  }
}

/** Everything that can be read of a run; what cannot is among its problems. */
export async function readDetails(run: string, dataset = new DatasetMemory()): Promise<RunDetails> {
  const problems: string[] = []
  const tryTo = async <T>(read: Promise<T>): Promise<T | null> => {
    try {
      return await read
    } catch (error) {
      problems.push((error as Error).message)
      return null
    }
  }
  const { run: _, ...summary } = await summarize(run)
  const names = await namesIn(run)
  const ifThere = <T>(name: string, read: () => Promise<T>): Promise<T | null> =>
    names.includes(name) ? tryTo(read()) : Promise.resolve(null)
  const options = await tryTo(readConfig(run).then((stored) => resolveTrain(stored as AnyTrainOptions)))
  const environment = await ifThere(environmentFile, () => readAnyJson(join(run, environmentFile)))
  return {
    ...summary,
    name: basename(run),
    maxImages: options?.maxImages ?? null,
    options: factsOf(options ?? {}),
    environment: factsOf(typeof environment === 'object' && environment !== null ? environment : {}),
    data: await ifThere('dataset.json', () => dataset.read(run)),
    samples: await gridsIn(join(run, 'samples')),
    nearest: await gridsIn(join(run, 'nearest')),
    checkpoints: (await tryTo(listCheckpoints(run)))?.map(({ images }) => images) ?? [],
    reals: names.includes('reals.png'),
    evaluations: await readEvaluations(run),
    problems,
  }
}
