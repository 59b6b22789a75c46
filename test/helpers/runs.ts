/** Tiny runs over drawn pictures: what the end-to-end tests train, in about a second each. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type ShinsakuError, type Status, type TrainCall, type TrainingRun, train } from '../../lib/index.ts'
import { findLibtorch } from '../../lib/libtorch/find.ts'
import type { ModelName } from '../../lib/models/table.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { draw, noise } from './pictures.ts'

/** A call to train() whose kind of model is decided elsewhere. */
export type AnyCall = AnyTrainOptions & Omit<TrainCall, keyof AnyTrainOptions>

/** train(), for such a call. */
export const trainAny = (call: AnyCall): TrainingRun => train(call as TrainCall)

const small: Record<ModelName, AnyCall> = {
  diffusion: { model: 'diffusion', size: 16, dim: 8, dimMults: [1, 2], timesteps: 20, previewSteps: 2 },
  dcgan: { model: 'dcgan', size: 32, width: 8, latent: 16 },
  pgan: { model: 'pgan', size: 16, widths: [8, 8, 8], latent: 8, scaleImages: 64, fadeImages: 32 },
  stylegan2: { model: 'stylegan2', size: 32, channelBase: 256, channelMax: 16, latent: 16 },
  classifier: { model: 'classifier', size: 16, units: 8, width: 4 },
}

// One thread: threads that wait for each other on a busy machine lose far more than they gain at this size.
const quiet: AnyCall = { batch: 4, device: 'cpu', threads: 1, previews: 0 }

/** Never ends by itself. */
export const ENDLESS = 1_000_000_000

/** A folder that lasts for all tests of the file. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Keeps decoded pictures of this file's tests out of the user's cache. To be called once, outside of tests. */
export function useOwnCache(): void {
  const folder = sharedFolder()
  beforeAll(async () => {
    // libtorch may lie in the user's cache; it is found once for the process.
    await loadAddon()
    process.env.SHINSAKU_CACHE = folder
  })
}

/** The environment of a process whose cache, and with it its queue, is its own; libtorch is where this process finds it. */
export const ownCache = (folder: string): { SHINSAKU_CACHE: string; LIBTORCH: string } => ({
  SHINSAKU_CACHE: join(folder, 'cache'),
  LIBTORCH: dirname(findLibtorch().lib),
})

/** Draws `count` different pictures into a folder. */
export async function drawPictures(folder: string, count: number, size = 16): Promise<string> {
  mkdirSync(folder, { recursive: true })
  for (let n = 0; n < count; n++) {
    const picture = draw(size, size, (x, y) => [noise(n), (x * 255) / size, (y * noise(n + 99)) / size])
    await picture.png().toFile(join(folder, `picture-${n}.png`))
  }
  return folder
}

/** A folder of `count` drawn pictures for all tests of the file. To be called once, outside of tests. */
export function usePictures(count: number): string {
  const folder = join(sharedFolder(), 'data')
  beforeAll(() => drawPictures(folder, count))
  return folder
}

/** Starts a tiny run of `model` that keeps its run folder in `out`. */
export function tinyRun(out: string, data: TrainCall['data'], more: AnyCall = {}): TrainingRun {
  return trainAny({ ...small[more.model ?? 'diffusion'], ...quiet, data: data!, out, ...more })
}

/** The run's folder, once it trains. */
export async function whenTraining(run: TrainingRun): Promise<string> {
  for await (const _ of run) break
  return run.folder!
}

/** Every status of a run until its end. */
export async function statusesOf(run: TrainingRun): Promise<Status[]> {
  const statuses: Status[] = []
  for await (const status of run) statuses.push(status)
  return statuses
}

/** The error that something awaitable rejects with. */
export const errorOf = (work: PromiseLike<unknown>): Promise<ShinsakuError> =>
  Promise.resolve(work).then(
    () => expect.unreachable('it did not fail'),
    (error) => error,
  )

/** What is in a JSON file, such as one of a run's records. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it is what the tests ask
export const jsonIn = (...path: string[]): any => JSON.parse(readFileSync(join(...path), 'utf8'))

/** Names of a run's checkpoints. */
export const checkpointsOf = (folder: string): string[] =>
  readdirSync(join(folder, 'checkpoints'))
    .filter((name) => /^\d+$/.test(name))
    .sort()

/** The folder of a run's newest checkpoint. */
export const newestOf = (folder: string): string => join(folder, 'checkpoints', checkpointsOf(folder).at(-1)!)

/** The lines of a run's metrics.jsonl. */
// biome-ignore lint/suspicious/noExplicitAny: what is in a line is what the tests ask
export const linesOf = (folder: string): any[] =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
