import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Pictures, type TrainCall, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { checkpointsOf, ENDLESS, errorOf, tinyRun, useOwnCache, usePictures, whenTraining } from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(10)

const endless = (options: TrainCall = {}) => tinyRun(temporaryFolder(), data, { maxImages: ENDLESS, ...options })
const imagesOf = (checkpoint: string) => Number(basename(checkpoint))
const unlocked = (folder: string) => !readdirSync(folder).some((name) => name.startsWith('.lock'))

describe('stop()', () => {
  test('saves and resolves with the model, as does the run; a second one does the same', async () => {
    const run = endless()
    const folder = await whenTraining(run)
    const [model, again] = await Promise.all([run.stop(), run.stop()])
    expect(again).toBe(model)
    expect(await run).toBe(model)
    expect(await run.stop()).toBe(model)
    expect(model.images).toBeGreaterThan(0)
    expect(checkpointsOf(folder).map(Number)).toEqual([model.images])
    expect(unlocked(folder)).toBe(true)
  })

  test('before training has begun leaves a run of no images that can be gone on with', async () => {
    const run = endless()
    const model = await run.stop()
    expect(model.images).toBe(0)
    expect(checkpointsOf(run.folder!)).toEqual(['000000000'])
    const resumed = await train({ resume: run.folder!, data, maxImages: 8 })
    expect(resumed).toMatchObject({ images: 8, run: run.folder })
  })

  test('ends the iteration', async () => {
    const run = endless()
    let statuses = 0
    for await (const _ of run) if (++statuses === 3) void run.stop()
    expect(statuses).toBeGreaterThanOrEqual(3)
    expect((await run).images).toBeGreaterThan(0)
  })
})

describe('an aborted signal', () => {
  const reason = new Error('enough')
  const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: reason }

  test('R35: in a step saves, then rejects with an AbortError; the run can be gone on with', async () => {
    const control = new AbortController()
    const run = endless({ signal: control.signal })
    const folder = await whenTraining(run)
    control.abort(reason)
    expect(await errorOf(run)).toMatchObject(aborted)
    const [images] = checkpointsOf(folder).map(Number)
    expect(images).toBeGreaterThan(0)
    expect(unlocked(folder)).toBe(true)
    const resumed = await train({ resume: folder, data, maxImages: images! + 1 })
    expect(resumed.images).toBeGreaterThan(images!)
  })

  test('R35: from the start rejects at once and makes no folder', async () => {
    const out = join(temporaryFolder(), 'runs')
    const run = tinyRun(out, data, { signal: AbortSignal.abort(reason) })
    expect(await errorOf(run)).toMatchObject(aborted)
    expect(await errorOf(run.stop())).toMatchObject(aborted)
    expect(existsSync(out)).toBe(false)
  })

  test('R35: while the pictures are read makes no folder either', async () => {
    const out = join(temporaryFolder(), 'runs')
    const control = new AbortController()
    const run = tinyRun(out, data, { size: 24, signal: control.signal })
    setImmediate(() => control.abort(reason))
    expect(await errorOf(run)).toMatchObject(aborted)
    expect(existsSync(out)).toBe(false)
  })
})

describe('checkpoint()', () => {
  test('saves the run as it is, and training goes on', async () => {
    const run = endless({ keepCheckpoints: 10 })
    const folder = await whenTraining(run)
    const first = imagesOf(await run.checkpoint())
    await whenTraining(run)
    const second = imagesOf(await run.checkpoint())
    await whenTraining(run)
    const { images } = await run.stop()
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(first)
    expect(images).toBeGreaterThan(second)
    expect(checkpointsOf(folder).map(Number)).toEqual([first, second, images])
  })

  test('before training has begun waits for it; after the end it rejects with DISPOSED', async () => {
    const run = endless({ maxImages: 8 })
    const early = run.checkpoint()
    await run
    expect(existsSync(join(await early, 'manifest.json'))).toBe(true)
    expect(await errorOf(run.checkpoint())).toMatchObject({ code: 'DISPOSED' })
    expect(await errorOf(run.sample())).toMatchObject({ code: 'DISPOSED' })
  })

  test('of a run that fails to start rejects as the run does', async () => {
    const run = endless({ dim: 7 })
    const errors = await Promise.all([run, run.checkpoint(), run.sample()].map(errorOf))
    for (const error of errors) expect(error).toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('sample()', () => {
  test('draws with the weights of that moment while training goes on', async () => {
    const run = endless({ emaDecay: null, lr: 0.01 })
    await whenTraining(run)
    const shots: Pictures[] = []
    for (let i = 0; i < 2; i++) {
      shots.push(await run.sample({ seed: 5, steps: 4 }))
      for await (const { images } of run) if (images > (shots[i]!.provenance.images as number) + 40) break
    }
    const model = await run.stop()
    const [first, second] = shots.map(({ provenance }) => provenance.images as number)
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(first!)
    expect(model.images).toBeGreaterThan(second!)
    expect(Buffer.compare(shots[0]!.pixels, shots[1]!.pixels)).not.toBe(0)
  })

  test('saves into files, and rejects wrong options without ending the run', async () => {
    const run = endless()
    await whenTraining(run)
    const [path] = await run.sample({ seed: 3, steps: 2 }).save(join(temporaryFolder(), 'drawn'))
    expect(basename(path!)).toBe('seed-3.png')
    expect(readFileSync(path!).subarray(1, 4).toString()).toBe('PNG')
    expect(await errorOf(run.sample({ steps: 21 }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect((await run.stop()).images).toBeGreaterThan(0)
  })
})
