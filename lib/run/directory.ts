/** The folder of one run: its lock, its records, its logs, and where everything in it lies. */
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ShinsakuError } from '../errors.ts'
import { Appender } from '../files/append.ts'
import type { Lock } from '../files/lock.ts'
import { readJson } from '../files/read.ts'
import { makeSubfolderDurable, toJson, toJsonPieces, writeDurable } from '../files/write.ts'
import { translateStored } from '../options/renamed.ts'
import { version } from '../system/version.ts'
import { type DatasetFiles, type DatasetRecord, readDatasetFiles, readDatasetRecord } from './dataset-record.ts'
import { truncateEvents } from './events.ts'
import { lockRun, requireHeld } from './lock.ts'
import { truncateMetrics } from './metrics.ts'
import { configFile, datasetFile, makeNumberedFolder } from './names.ts'
import { sampleName, truncateSamples } from './samples.ts'

export { findRuns, runName, runNameOf } from './names.ts'

/** Raised when config.json of the new form cannot be read by the old code. */
const FORMAT_VERSION = 1

/** Versions, device, precision and operations a run was last started with. */
export const environmentFile = 'environment.json'

/** Where an imported run comes from. */
export const importedFile = 'imported.json'

const configSchema = z.strictObject({
  format: z.literal(FORMAT_VERSION),
  shinsaku: z.string(),
  options: z.record(z.string(), z.unknown()),
})

/** The options in a run's config.json; what they mean is for the option schemas to check. Throws RUN_INVALID. */
export async function readConfig(run: string): Promise<Record<string, unknown>> {
  return translateStored((await readJson(configFile(run), configSchema, 'RUN_INVALID')).options)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const environmentSchema = z.looseObject({ ops: z.string(), processes: z.number().optional() })

/** What a run was last trained with: its ops set, and how many processes together. Throws RUN_INVALID, FILE_FAILED. */
export async function readTrainedWith(run: string): Promise<{ ops: string; processes: number }> {
  const { ops, processes = 1 } = await readJson(join(run, environmentFile), environmentSchema, 'RUN_INVALID')
  return { ops, processes }
}

/** Whether a run was imported: generators and data order begin when it first goes on. */
export const isImported = (run: string): Promise<boolean> => exists(join(run, importedFile))

/** Whether a run was imported and has not seen any pictures here. */
export const awaitsData = async (run: string): Promise<boolean> =>
  (await isImported(run)) && !(await exists(datasetFile(run)))

/** A run folder this process may write to, until `close()`. */
export class RunDirectory {
  readonly path: string
  readonly #lock: Lock
  #log: Promise<Appender> | undefined
  #metrics: Promise<Appender> | undefined

  constructor(path: string, lock: Lock) {
    this.path = path
    this.#lock = lock
  }

  /** Throws RUN_LOCKED where another process has taken the run over; to be called before anything is written. */
  requireOwned(): Promise<void> {
    return requireHeld(this.#lock, this.path)
  }

  /** Complete options, as resolved. */
  async writeConfig(options: object): Promise<void> {
    await writeDurable(configFile(this.path), toJson({ format: FORMAT_VERSION, shinsaku: version, options }))
  }

  /** Versions, device and precision the run was started with. */
  async writeEnvironment(environment: object): Promise<void> {
    await writeDurable(join(this.path, environmentFile), toJson(environment))
  }

  /** One entry for each file of the data. */
  async writeDataset(dataset: object): Promise<void> {
    await writeDurable(this.datasetPath, toJsonPieces(dataset))
  }

  /** What distinguishes the data of this run from other data. Throws RUN_INVALID. */
  readDataset(): Promise<DatasetRecord> {
    return readDatasetRecord(this.datasetPath)
  }

  /** The files it was started with. Throws RUN_INVALID. */
  readDatasetFiles(): Promise<DatasetFiles> {
    return readDatasetFiles(this.datasetPath)
  }

  get datasetPath(): string {
    return datasetFile(this.path)
  }

  /** A grid of the pictures as the network sees them. */
  get realsPath(): string {
    return join(this.path, 'reals.png')
  }

  get #metricsPath(): string {
    return join(this.path, 'metrics.jsonl')
  }

  get #samplesFolder(): string {
    return join(this.path, 'samples')
  }

  /** Where the preview grid after this many images lies. */
  samplePath(images: number): string {
    return join(this.#samplesFolder, sampleName(images))
  }

  /** Writes a preview grid. */
  async writeSample(images: number, png: Uint8Array): Promise<void> {
    await this.requireOwned()
    await makeSubfolderDurable(this.#samplesFolder)
    await writeDurable(this.samplePath(images), png)
  }

  get #nearestFolder(): string {
    return join(this.path, 'nearest')
  }

  /** Writes the copy guard's grid of samples that are nearest to training pictures. */
  async writeNearest(images: number, png: Uint8Array): Promise<void> {
    await this.requireOwned()
    await makeSubfolderDurable(this.#nearestFolder)
    await writeDurable(join(this.#nearestFolder, sampleName(images)), png)
  }

  /** One line of log.txt. */
  async appendLog(line: string): Promise<void> {
    await this.requireOwned()
    this.#log ??= Appender.lines(join(this.path, 'log.txt')).catch((error) => {
      this.#log = undefined
      throw error
    })
    await (await this.#log).append(`${line.replaceAll('\n', '\n  ')}\n`)
  }

  /** One line of metrics.jsonl; `images` says where it belongs when a run goes on from a checkpoint. */
  async appendMetrics(values: { images: number } & Readonly<Record<string, unknown>>): Promise<void> {
    await this.requireOwned()
    this.#metrics ??= Appender.lines(this.#metricsPath).catch((error) => {
      this.#metrics = undefined
      throw error
    })
    await (await this.#metrics).append(`${JSON.stringify(values)}\n`)
  }

  /**
   * Drops what metrics.jsonl, the event files and the grids have after `images`, so that a resumed run can
   * write it again. To be called before anything is appended. Resolves with the tags of the events left at `images`.
   */
  async truncateRecords(images: number): Promise<ReadonlySet<string>> {
    await truncateMetrics(this.#metricsPath, images)
    for (const folder of [this.#samplesFolder, this.#nearestFolder]) await truncateSamples(folder, images)
    return truncateEvents(this.path, images)
  }

  /** As truncateRecords(), for a run that has appended; nothing may be appended until this resolves. */
  async rewindRecords(images: number): Promise<void> {
    const metrics = await this.#metrics
    this.#metrics = undefined
    await metrics?.close()
    await this.truncateRecords(images)
  }

  /** Makes the logs survive a power cut; to be called before a checkpoint that follows them. */
  async sync(): Promise<void> {
    for (const appender of [this.#log, this.#metrics]) await (await appender)?.sync()
  }

  /** Closes the logs and gives up the lock. */
  async close(): Promise<void> {
    try {
      for (const appender of [this.#log, this.#metrics]) await (await appender)?.close()
    } finally {
      await this.#lock.release()
    }
  }
}

/** Makes the next numbered folder in `out`, such as `00003-diffusion-128-icons`, and takes its lock. */
export async function createRunDirectory(out: string, name: string): Promise<RunDirectory> {
  const path = await makeNumberedFolder(out, name)
  return new RunDirectory(path, await lockRun(path))
}

/** Takes the lock of an existing run folder. Throws RUN_NOT_FOUND where it has no config.json, RUN_LOCKED. */
export async function openRunDirectory(path: string): Promise<RunDirectory> {
  const known = await stat(configFile(path)).catch(() => undefined)
  if (!known) {
    throw new ShinsakuError('RUN_NOT_FOUND', `${path} is not a run folder: it has no config.json`, {
      hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons.',
    })
  }
  return new RunDirectory(path, await lockRun(path))
}
