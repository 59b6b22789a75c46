/** A run whose pictures stay in a file is the run whose pictures are in memory, bit for bit: its weights, order, flips and records. */
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { train } from '../../lib/index.ts'
import { type Poison, poisonTrainers } from '../helpers/bad-weights.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { ledgerOf } from '../helpers/ledger.ts'
import {
  type AnyCall,
  checkpointsOf,
  drawPictures,
  ENDLESS,
  errorOf,
  sharedFolder,
  tinyRun,
  trainAny,
  useOwnCache,
  whenTraining,
} from '../helpers/runs.ts'

useOwnCache()
const data = join(sharedFolder(), 'data')
beforeAll(() => drawPictures(data, 10))

const poison: Poison = { images: 0, left: 0 }
/** Units that were given their pixels, and those that were not. */
const units = { withPixels: 0, without: 0 }

beforeAll(() =>
  poisonTrainers(poison, (_, pixels) => {
    units[pixels ? 'withPixels' : 'without'] += 1
  }),
)

const inMemory: AnyCall = { pixelStore: 'memory' }
const inFile: AnyCall = { pixelStore: 'file' }

// 10 pictures in batches of 4 make epochs of 4, 4 and 2; an update of two batches takes the end of one and the start of the next.
const looked: AnyCall = { checkpointImages: 20, logImages: 10, previews: 2, maxImages: 130 }
const models: Record<string, AnyCall> = {
  diffusion: { ...looked, selfCondition: true, previewSteps: 2, emaEvery: 2 },
  'diffusion, accumulating': { ...looked, variant: '0.26', accumulate: 2, loaderWorkers: 3, previewSteps: 2 },
  dcgan: { ...looked, model: 'dcgan', discriminatorUpdates: 2, loaderWorkers: 2 },
}

describe.each(Object.entries(models))('%s', (_, options) => {
  const out = sharedFolder()
  let expected: Awaited<ReturnType<typeof ledgerOf>>
  beforeAll(async () => {
    units.withPixels = 0
    expected = await ledgerOf((await tinyRun(out, data, { ...options, ...inMemory })).run)
    expect(units.withPixels).toBe(0)
  })

  test('pictures in a file give the bytes and the records of pictures in memory', async () => {
    units.without = 0
    const { run } = await tinyRun(temporaryFolder(), data, { ...options, ...inFile })
    expect(units.without).toBe(0)
    expect(await ledgerOf(run)).toEqual(expected)
    expect(readFileSync(join(run, 'log.txt'), 'utf8')).toContain('in a file that is read while training goes on')
  })

  test('so do those of a run that goes on, from one store to the other and back', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { ...options, ...inFile, maxImages: 34 })
    for (const [maxImages, store] of [
      [62, inMemory],
      [90, inFile],
      [130, inFile],
    ] as const)
      await trainAny({ resume: run, data, maxImages, ...store })
    const { events: _, ...left } = await ledgerOf(run)
    expect(expected).toMatchObject({ newest: left.newest, tensors: left.tensors, state: left.state })
  })
})

test('so do those of a run that goes back to its checkpoint after NaN', async () => {
  const left = []
  for (const store of [inMemory, inFile]) {
    Object.assign(poison, { images: 44, left: 1 })
    const { run } = await tinyRun(temporaryFolder(), data, { ...models.diffusion, ...store })
    expect(readFileSync(join(run, 'log.txt'), 'utf8')).toMatch(/Went back to the checkpoint at 40 images/)
    left.push(await ledgerOf(run))
  }
  expect(left[1]).toEqual(left[0])
})

test('a run whose file is damaged under it saves what it has, ends with FILE_FAILED, and goes on with the file made again', async () => {
  const before = process.env.SHINSAKU_CACHE
  process.env.SHINSAKU_CACHE = temporaryFolder()
  try {
    const running = tinyRun(temporaryFolder(), data, { ...inFile, logImages: 4, maxImages: ENDLESS })
    const folder = await whenTraining(running)
    const pixels = join(process.env.SHINSAKU_CACHE, 'pixels')
    for (const name of readdirSync(pixels)) truncateSync(join(pixels, name), 100)
    expect(await errorOf(running)).toMatchObject({ code: 'FILE_FAILED', hint: expect.stringContaining('--resume') })
    const saved = Number(checkpointsOf(folder).at(-1))
    expect(saved).toBeGreaterThan(0)
    await train({ resume: folder, data, maxImages: saved + 40 })
    const straight = await tinyRun(temporaryFolder(), data, { ...inMemory, logImages: 4, maxImages: saved + 40 })
    expect((await ledgerOf(folder)).tensors).toEqual((await ledgerOf(straight.run)).tensors)
  } finally {
    process.env.SHINSAKU_CACHE = before
  }
})
