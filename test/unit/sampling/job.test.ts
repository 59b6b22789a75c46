/** Jobs: nothing before it is asked for, a batch at a time, in every form; abort, disposal and failures in each. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test, vi } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import type { Picture, SampleCall, SampleJob } from '../../../lib/index.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const aborted = { name: 'AbortError', code: 'ABORT_ERR' }

async function listOf(job: AsyncIterable<Picture>): Promise<Picture[]> {
  const pictures: Picture[] = []
  for await (const picture of job) pictures.push(picture)
  return pictures
}

/** Every form in which pictures can be asked for. */
const forms: [name: string, use: (job: SampleJob, folder: string) => Promise<unknown>][] = [
  ['await', (job) => job.then((pictures) => pictures)],
  ['for await', listOf],
  ['save()', (job, folder) => job.save(join(folder, 'files'))],
  ['save() with a grid', (job, folder) => job.save(join(folder, 'files'), { grid: join(folder, 'grid.png') })],
  ['grid()', (job) => job.grid()],
  ['grid(png)', (job, folder) => job.grid(join(folder, 'grid.png'))],
  ['grid(webp)', (job, folder) => job.grid(join(folder, 'grid.webp'))],
]

describe.each(forms)('%s', (_, use) => {
  test('computes nothing before, then `batch` at a time, each seed once, and frees each sampler', async () => {
    let most = 0
    const { model, native } = fakeModel({}, () => {
      most = Math.max(most, native.samplers)
    })
    const job = model.sample({ seed: 3, count: 7, batch: 3 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(native).toMatchObject({ calls: [], models: 0 })
    await use(job, temporaryFolder())
    expect(native).toMatchObject({ calls: [[3, 4, 5], [6, 7, 8], [9]], samplers: 0 })
    expect(most).toBe(1)
  })

  test('tells its progress over the whole call, up to 1 and once', async () => {
    const now = vi.spyOn(performance, 'now')
    let clock = 0
    now.mockImplementation(() => (clock += 60))
    const shares: number[] = []
    try {
      const { model } = fakeModel()
      await use(model.sample({ count: 5, batch: 2, onProgress: (share) => shares.push(share) }), temporaryFolder())
    } finally {
      now.mockRestore()
    }
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(shares.length).toBeGreaterThan(3)
    expect(shares[0]).toBeGreaterThan(0)
    expect(shares.filter((share) => share === 1)).toEqual(shares.slice(-1))
  })

  test('aborted before, in a step and between two batches: an AbortError, and nothing is left but a grid of what was finished', async () => {
    const reason = new Error('enough')
    for (const at of [
      [-1, 0],
      [0, 1],
      [1, 0],
      [1, 3],
    ]) {
      const control = new AbortController()
      if (at[0]! < 0) control.abort(reason)
      const { model, native } = fakeModel({}, (call, step) => {
        if (call === at[0] && step === at[1]) control.abort(reason)
      })
      const folder = temporaryFolder()
      const error = await errorOf(use(model.sample({ count: 6, batch: 2, signal: control.signal }), folder))
      expect(error).toMatchObject({ ...aborted, cause: reason })
      expect(native.samplers).toBe(0)
      expect(native.calls.length).toBe(at[0]! + 1)
      model.dispose()
      await new Promise((resolve) => setImmediate(resolve))
      expect(native.models).toBe(0)
      const left = readdirSync(folder).filter((name) => name !== 'files')
      expect(left).toEqual(at[0]! < 1 ? [] : left.filter((name) => name.startsWith('grid.')))
    }
  })

  test('of a disposed model rejects with DISPOSED; what is under way is finished, then all is freed', async () => {
    const { model, native } = fakeModel({}, (call) => {
      if (call === 1) model.dispose()
    })
    const idle = model.sample({ count: 2 })
    await use(model.sample({ count: 4 }), temporaryFolder())
    expect(native.calls.length).toBe(4)
    expect(await errorOf(use(idle, temporaryFolder()))).toMatchObject({ code: 'DISPOSED' })
    expect(native).toMatchObject({ samplers: 0, models: 0 })
  })

  test('asked for before dispose() in the same turn is under way', async () => {
    const { model, native } = fakeModel()
    const asked = use(model.sample({ count: 2 }), temporaryFolder())
    model.dispose()
    await asked
    await new Promise((resolve) => setImmediate(resolve))
    expect(native).toMatchObject({ calls: [[0], [1]], models: 0 })
  })

  test('rejects with wrong options, and with what the native part says', async () => {
    const { model, native } = fakeModel()
    const wrong = { count: 0, stepz: 3 } as SampleCall
    const { details } = await errorOf(use(model.sample(wrong), temporaryFolder()))
    expect(details.problems).toMatchObject([{ path: 'stepz' }, { path: 'count' }])
    expect(native.calls).toEqual([])
    const failing = fakeModel({}, (call) => {
      if (call === 1) throw new Error('the device is gone')
    })
    const error = await errorOf(use(failing.model.sample({ count: 3 }), temporaryFolder()))
    expect(error.message).toContain('the device is gone')
    expect(failing.native.samplers).toBe(0)
  })
})

test('a job that nobody asks anything of is no unhandled rejection, whatever is wrong with it', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const { model } = fakeModel()
  model.sample({ count: -1 })
  model.sample({ signal: AbortSignal.abort() })
  model.dispose()
  model.sample()
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

describe('await', () => {
  test('gives all pictures, once; other forms then take them', async () => {
    const { model, native } = fakeModel()
    const job = model.sample({ seeds: [9, 2, 9] })
    const [pictures, again] = await Promise.all([job, job])
    expect(again).toBe(pictures)
    expect(pictures).toMatchObject({ seeds: [9, 2, 9], count: 3, size: 16, channels: 3 })
    for (const [i, seed] of pictures.seeds.entries())
      expect(same(pictures.picture(i), fakePixels(seed, 16, 3))).toBe(true)
    expect(await listOf(job)).toHaveLength(3)
    await job.save(join(temporaryFolder(), 'files'))
    await job.grid()
    expect(native.calls).toEqual([[9], [2], [9]])
  })

  test('that has failed may be asked for again', async () => {
    let failures = 0
    const { model } = fakeModel({}, () => {
      if (failures++ === 0) throw new Error('once')
    })
    const job = model.sample()
    expect(await errorOf(job)).toMatchObject({ message: 'once' })
    expect((await job).count).toBe(1)
  })

  test('more than memory holds: OUT_OF_MEMORY, which names the forms that need none', async () => {
    const { model, native } = fakeModel({ size: 1024 })
    const error = await errorOf(model.sample({ count: 1_000_000 }).then((pictures) => pictures))
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', hint: expect.stringContaining('save(folder)') })
    expect(native.calls).toEqual([])
  })
})

describe('for await', () => {
  test('gives each picture as it is finished, with what its file would say', async () => {
    const { model, native } = fakeModel()
    const made: number[] = []
    for await (const picture of model.sample({ seeds: [5, 8, 6, 7], batch: 2 })) {
      made.push(native.calls.length)
      expect(picture).toMatchObject({ size: 16, channels: 3, provenance: { run: '00000-fake', images: 120 } })
      expect(same(picture.pixels, fakePixels(picture.seed, 16, 3))).toBe(true)
      // Its memory is its own: one that is kept keeps no other.
      expect(picture.pixels.buffer.byteLength).toBe(picture.pixels.length)
    }
    expect(made).toEqual([1, 1, 2, 2])
  })

  test('left early samples no more and frees the native model', async () => {
    const { model, native } = fakeModel()
    for await (const _ of model.sample({ count: 1000, batch: 2 })) break
    model.dispose()
    await new Promise((resolve) => setImmediate(resolve))
    expect(native).toMatchObject({ calls: [[0, 1]], samplers: 0, models: 0 })
  })

  test('each picture saves itself, in the format that the path names', async () => {
    const { model } = fakeModel()
    const folder = temporaryFolder()
    for await (const picture of model.sample({ seed: 4 })) {
      for (const name of ['a.png', 'b.webp']) {
        const path = join(folder, name)
        expect(await picture.save(path)).toBe(path)
        expect((await sharp(path).raw().toBuffer()).equals(picture.pixels)).toBe(true)
        expect((await readMetadata(path))?.settings).toMatchObject({ seed: 4, generator: 'shinsaku' })
      }
      expect(same(await picture.encode(), readFileSync(join(folder, 'a.png')))).toBe(true)
      for (const path of ['x.gif', 'x', ''])
        expect(await errorOf(picture.save(path))).toMatchObject({ code: 'OPTION_INVALID' })
      expect(await errorOf(picture.encode('gif' as 'png'))).toMatchObject({ code: 'OPTION_INVALID' })
    }
  })
})

test('batchNorm "batch" computes all pictures together', async () => {
  const { model, native } = fakeModel({ model: 'dcgan', size: 32 })
  await model.sample({ count: 5, batch: 2, batchNorm: 'batch' })
  await model.sample({ count: 5, batch: 2 })
  expect(native.calls).toEqual([[0, 1, 2, 3, 4], [0, 1], [2, 3], [4]])
})
