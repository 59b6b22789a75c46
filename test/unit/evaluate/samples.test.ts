import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sampleMissing } from '../../../lib/evaluate/samples.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const COUNT = 6

/** Samples into a folder with a model that counts what is asked of it. */
function make(folder = temporaryFolder(), weightsDigest = 'weights') {
  const { model, native } = fakeModel({ model: 'dcgan', size: 32 })
  const sample = (given = {}, hooks = {}) =>
    sampleMissing({ model, weightsDigest, folder, given: { count: COUNT, batch: 2, ...given } }, hooks)
  return { folder, native, sample, seeds: () => native.calls.flat() }
}

describe('sampleMissing()', () => {
  test('samples one file for each seed, and reads them back', async () => {
    const { folder, sample } = make()
    const progress: number[] = []
    const { pictures, seeds } = await sample(
      { seed: 10 },
      { onProgress: ({ done }: { done: number }) => progress.push(done) },
    )
    expect(seeds).toEqual([10, 11, 12, 13, 14, 15])
    expect(readdirSync(join(folder, 'samples')).sort()).toEqual(seeds.map((seed) => `seed-${seed}.png`))
    expect(Buffer.from(await pictures.read([3])).equals(fakePixels(13, 32, 3))).toBe(true)
    expect(progress).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  test('what is there is not sampled again; what is missing is', async () => {
    const first = make()
    await first.sample()
    rmSync(join(first.folder, 'samples', 'seed-4.png'))
    const second = make(first.folder)
    await second.sample({ count: COUNT + 1 })
    expect(second.seeds()).toEqual([4, 6])
  })

  test('other weights or options begin anew, and so does a record that cannot be read', async () => {
    const { folder, sample } = make()
    await sample()
    const other = make(folder, 'other weights')
    await other.sample()
    expect(other.seeds()).toHaveLength(COUNT)
    const batch = make(folder, 'other weights')
    await batch.sample({ batch: 3 })
    expect(batch.seeds()).toHaveLength(COUNT)
    writeFileSync(join(folder, 'samples.json'), '{')
    const damaged = make(folder, 'other weights')
    await damaged.sample({ batch: 3 })
    expect(damaged.seeds()).toHaveLength(COUNT)
    expect(JSON.parse(readFileSync(join(folder, 'samples.json'), 'utf8')).settings).toMatchObject({ batch: 3 })
  })

  test('pictures that depend on those beside them are sampled together', async () => {
    const { folder, sample } = make()
    await sample({ batchNorm: 'batch' })
    rmSync(join(folder, 'samples', 'seed-4.png'))
    const again = make(folder)
    await again.sample({ batchNorm: 'batch' })
    expect(again.seeds()).toHaveLength(COUNT)
  })

  test('wrong options and an aborted signal end it before anything is sampled', async () => {
    const { folder, sample, native } = make()
    await expect(sample({ steps: 3 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect(existsSync(join(folder, 'samples'))).toBe(false)
    await expect(sample({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORT_ERR' })
    expect(native.calls).toEqual([])
  })
})
