/** N + N updates equal 2N, byte for byte, wherever a checkpoint falls, however often, in units of whatever size. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type TrainCall, train } from '../../lib/index.ts'
import type { Addon, HostTensor, Metrics, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { linesOf, newestOf, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'
import { smallTrainer } from '../helpers/specs.ts'

useOwnCache()
const data = usePictures(10)
let addon: Addon
let cpuOps: readonly string[]
beforeAll(async () => {
  addon = await loadAddon()
  cpuOps = (await addon.info()).cpuOps
})

// 10 pictures in batches of 4 make epochs of 4, 4 and 2. With accumulate 2, update 2 holds the end of one epoch and
// the start of the next, and the checkpoint after it lies where an accumulation has just crossed that boundary.
const conditioned: AnyTrainOptions = {
  selfCondition: true,
  emaEvery: 2,
  offsetNoise: 0.1,
  lrSchedule: 'linear',
  maxImages: 200,
}
const accumulating: AnyTrainOptions = {
  variant: '0.26',
  accumulate: 2,
  loaderWorkers: 3,
  lrSchedule: 'cosine',
  warmup: 8,
  maxImages: 200,
}
const models: Record<string, AnyTrainOptions> = {
  'diffusion 2.3, self-conditioned': conditioned,
  'diffusion 2.3, self-conditioned, exact': { ...conditioned, exact: true },
  'diffusion of few pictures': { dropout: 0.1, augment: 0.5, ambientSigma: 0.5, accumulate: 2, maxImages: 200 },
  'diffusion 0.26, accumulating': accumulating,
  'diffusion 0.26, accumulating, exact': { ...accumulating, exact: true },
  'dcgan pytorch': { model: 'dcgan', flip: true, loaderWorkers: 2 },
  'dcgan chainer, accumulating': { model: 'dcgan', variant: 'chainer', width: 4, accumulate: 2 },
  'stylegan2, accumulating': {
    model: 'stylegan2',
    accumulate: 2,
    r1Every: 3,
    augmentImages: 100,
    lrSchedule: 'cosine',
  },
  'dcgan radford, averaged': { model: 'dcgan', variant: 'radford', width: 4, emaDecay: 0.9, discriminatorUpdates: 2 },
}

async function stateOf(trainer: NativeTrainer): Promise<HostTensor[]> {
  const state: HostTensor[] = []
  for (const info of await trainer.tensors()) state.push({ ...info, bytes: await trainer.tensor(info.name) })
  return state
}

/** Weights, averages, moments, random streams and position, each by its digest. */
const digests = (state: readonly HostTensor[]) =>
  Object.fromEntries(state.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')]))

const joined = (parts: readonly Metrics[]): Metrics =>
  Object.fromEntries(Object.keys(parts[0]!).map((name) => [name, parts.flatMap((part) => part[name]!)]))

type Left = { state: Record<string, string>; metrics: Metrics }

const make = (options: AnyTrainOptions) => smallTrainer(addon, options, undefined, cpuOps)

/** What a run in these units leaves after each; `interrupted`: each unit in a new trainer that loads the last one's state. */
async function leave(options: AnyTrainOptions, units: readonly number[], interrupted: boolean): Promise<Left[]> {
  const metrics: Metrics[] = []
  const left: Left[] = []
  let trainer = await make(options)
  for (const [index, updates] of units.entries()) {
    if (interrupted && index > 0) {
      const state = await stateOf(trainer)
      trainer.dispose()
      trainer = await make(options)
      await trainer.load(state, 'same')
    }
    metrics.push(await trainer.step(updates))
    left.push({ state: digests(await stateOf(trainer)), metrics: joined(metrics) })
  }
  trainer.dispose()
  return left
}

describe.each(Object.entries(models))('%s', (_, options) => {
  // Whole runs of 2, 4, 6, 10 and 14 updates, in units of other sizes than the runs they are compared with.
  const sizes = [2, 2, 2, 4, 4]
  const lengths = [2, 4, 6, 10, 14]
  let whole: Left[]
  beforeAll(async () => {
    whole = await leave(options, sizes, false)
  })

  test('N + N updates equal 2N: inside of an epoch, at its end, and where an accumulation crosses it', async () => {
    for (const n of [1, 2, 3, 5]) {
      const expected = whole[lengths.indexOf(2 * n)]!
      expect(expected.metrics.images).toHaveLength(2 * n)
      expect((await leave(options, [n, n], true)).at(-1), `${n} + ${n}`).toEqual(expected)
    }
  })

  test('ten interruptions change nothing', async () => {
    const pieces = await leave(options, [1, 2, 1, 3, 1, 1, 1, 1, 1, 1, 1], true)
    expect(pieces.at(-1)).toEqual(whole.at(-1))
  })
})

test('every part of the state counts: left out, the run goes on differently', async () => {
  const options: AnyTrainOptions = { emaEvery: 1, emaDecay: 0.5, loaderWorkers: 2 }
  const first = await make(options)
  await first.step(2)
  const state = await stateOf(first)
  await first.step(3)
  const expected = digests(await stateOf(first))
  for (const part of ['model.', 'ema.', 'optimizer.', 'random.', 'progress.']) {
    const second = await make(options)
    await second.load(
      state.filter(({ name }) => !name.startsWith(part)),
      'same',
    )
    await second.step(3)
    expect(digests(await stateOf(second)), part).not.toEqual(expected)
    second.dispose()
  }
  first.dispose()
})

const onDisk: Record<string, TrainCall> = {
  diffusion: { variant: '0.26', accumulate: 2, logImages: 10, emaEvery: 2 },
  dcgan: { model: 'dcgan', flip: true, loaderWorkers: 2, logImages: 10 },
}

test.each(Object.entries(onDisk))(
  'a run of %s on disk, interrupted ten times, leaves the bytes and the records of one that was not',
  async (_, options) => {
    const out = temporaryFolder()
    const straight = await tinyRun(out, data, { ...options, maxImages: 110 })
    const { run } = await tinyRun(out, data, { ...options, maxImages: 5 })
    for (let images = 15; images <= 110; images += 10)
      await train({ resume: run, data, maxImages: Math.min(images, 110) })
    await train({ resume: run, data, maxImages: 110 })
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const bytes = (folder: string) => readFileSync(join(newestOf(folder), file))
      expect(bytes(run).equals(bytes(straight.run)), file).toBe(true)
    }
    const records = (folder: string) =>
      linesOf(folder).map(({ elapsedSeconds, imagesPerSecond, residentBytes, ...line }) => line)
    expect(records(run)).toEqual(records(straight.run))
  },
)
