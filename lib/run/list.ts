/** The runs in a folder, as a list shows them: what each is, how far it came, when it last did something. */
import { type Dirent, type Stats, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listCheckpoints } from '../checkpoint/find.ts'
import { fileError, ShinsakuError } from '../errors.ts'
import { openRegular, readFully } from '../files/read.ts'
import { type ModelName, models } from '../models/table.ts'
import { readConfig } from './directory.ts'
import { trainingIn } from './lock.ts'
import { configFile } from './names.ts'

/** The newest line of a run's metrics.jsonl. */
export type LastMetrics = { images: number; elapsedSeconds: number | null; loss: number | null }

export type RunSummary = {
  run: string
  model: string
  size: number | null
  /** Images it has seen; 0 where nothing is on record. */
  images: number
  loss: number | null
  /** When it last wrote metrics or a checkpoint, as an ISO date. */
  updated: string
  /** All its files together. */
  bytes: number
  /** Whether a process on this machine trains it. */
  training: boolean
}

/** A line has a few hundred bytes: the last whole one lies in the last piece. */
const TAIL_BYTES = 65_536

async function tailOf(path: string): Promise<string> {
  const opened = await openRegular(path)
  try {
    const tail = Buffer.alloc(Math.min(opened.bytes, TAIL_BYTES))
    await readFully(opened, tail, opened.bytes - tail.length)
    return tail.toString()
  } finally {
    await opened.file.close()
  }
}

const numberOr = <T>(value: unknown, otherwise: T): number | T => (typeof value === 'number' ? value : otherwise)

/** What a run last put on record, of the series `mainLoss`; undefined where there is no line yet. */
export async function lastMetrics(run: string, mainLoss: string): Promise<LastMetrics | undefined> {
  const tail = await tailOf(join(run, 'metrics.jsonl')).catch(() => '')
  // What follows the last line's end was cut short, or is being written.
  for (const line of tail.split('\n').slice(0, -1).reverse()) {
    try {
      const values = JSON.parse(line) as Record<string, unknown>
      if (typeof values?.images === 'number')
        return {
          images: values.images,
          elapsedSeconds: numberOr(values.elapsedSeconds, null),
          loss: numberOr(values[mainLoss], null),
        }
    } catch {
      // Half a line at the beginning of the piece.
    }
  }
  return undefined
}

const mainLossOf = (model: unknown): string =>
  Object.hasOwn(models, String(model)) ? models[model as ModelName].mainLoss : 'loss'

async function bytesIn(folder: string): Promise<number> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  // A file may go while its folder is looked at: a run that trains deletes its oldest checkpoint.
  const lengthOf = (entry: Dirent) =>
    entry.isFile() ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) : 0
  return entries.reduce((sum, entry) => sum + lengthOf(entry), 0)
}

/** When a run last did something. */
async function updatedAt(run: string): Promise<Date> {
  const paths = [configFile(run), join(run, 'metrics.jsonl'), join(run, 'checkpoints')]
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
  const times = found.filter((info): info is Stats => info !== undefined).map(({ mtimeMs }) => mtimeMs)
  return new Date(Math.max(0, ...times))
}

/** One run as a list shows it. */
export async function summarize(run: string): Promise<RunSummary> {
  const { model, size } = await readConfig(run).catch(() => ({}) as Record<string, unknown>)
  const [last, checkpoints] = await Promise.all([lastMetrics(run, mainLossOf(model)), listCheckpoints(run)])
  return {
    run,
    model: typeof model === 'string' ? model : 'unknown',
    size: numberOr(size, null),
    images: Math.max(last?.images ?? 0, checkpoints.at(-1)?.images ?? 0),
    loss: last?.loss ?? null,
    updated: (await updatedAt(run)).toISOString(),
    bytes: await bytesIn(run),
    training: (await trainingIn(run)) !== undefined,
  }
}

/** The folders in `out` that hold a run. Throws FILE_FAILED. */
export async function runsIn(out: string): Promise<string[]> {
  const entries = await readdir(out, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw fileError('read', out, cause)
  })
  const folders = entries.filter((entry) => !entry.isFile()).map(({ name }) => join(out, name))
  const begun = await Promise.all(folders.map((folder) => stat(configFile(folder)).catch(() => undefined)))
  return folders.filter((_, index) => begun[index] !== undefined)
}

/** All runs in `out`, the one that did something last first. Throws FILE_FAILED. */
export async function listRuns(out: string): Promise<RunSummary[]> {
  const runs = await Promise.all((await runsIn(out)).map(summarize))
  return runs.sort((a, b) => b.updated.localeCompare(a.updated) || b.run.localeCompare(a.run))
}

/** The run in `out` that did something last, of those with a checkpoint. Throws RUN_NOT_FOUND, FILE_FAILED. */
export async function newestRun(out: string): Promise<string> {
  const saved: { run: string; time: number }[] = []
  for (const run of await runsIn(out))
    if ((await listCheckpoints(run)).length > 0) saved.push({ run, time: (await updatedAt(run)).getTime() })
  saved.sort((a, b) => b.time - a.time || b.run.localeCompare(a.run))
  const [newest] = saved
  if (newest) return newest.run
  throw new ShinsakuError('RUN_NOT_FOUND', `There is no run with a checkpoint in ${out}`, {
    hint: 'Name one, such as runs/00000-diffusion-128-icons; or train one: shinsaku train.',
  })
}
