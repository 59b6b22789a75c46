/** R36, R44: numbers that go wrong and pictures that go away while a real run trains. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { firstNotFinite } from '../../lib/convert/import/finite.ts'
import { openSafetensors } from '../../lib/safetensors/safetensors.ts'
import { type Poison, poisonTrainers } from '../helpers/bad-weights.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { checkpointsOf, drawPictures, errorOf, linesOf, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'
import { tally, times } from '../helpers/tally.ts'

useOwnCache()
const data = usePictures(10)

const poison: Poison = { images: 0, left: 0 }
afterEach(() => {
  poison.left = 0
})

beforeAll(() => poisonTrainers(poison))

/** Checkpoints of a run that hold a number that is none. */
async function poisoned(run: string): Promise<string[]> {
  const found: string[] = []
  for (const checkpoint of checkpointsOf(run)) {
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const reader = await openSafetensors(join(run, 'checkpoints', checkpoint, file))
      for (const { name, dtype } of reader.tensors)
        if ((await firstNotFinite(dtype, await reader.read(name))) !== undefined) found.push(`${checkpoint} ${name}`)
      await reader.close()
    }
  }
  return found
}

describe('R36 NaN in a weight', () => {
  const options = { checkpointImages: 20, logImages: 10, keepCheckpoints: 100, maxImages: 80 }

  test('is seen within its unit; the run goes back and ends as any other, without a line twice', async () => {
    const places = Array.from({ length: times(1, 10) }, (_, n) => 40 - 4 * (n % 5) + 4 * Math.floor(n / 5))
    for (const images of places) await poisonOnce(images)
    tally('NaN put into a weight of a run: back to its checkpoint, and on to its end', places.length, places.length)
  })

  async function poisonOnce(images: number) {
    Object.assign(poison, { images, left: 1 })
    const told: string[] = []
    const model = await tinyRun(temporaryFolder(), data, { ...options, onLog: (line) => told.push(line) })
    expect(model.images).toBe(80)
    expect(told.join('\n')).toMatch(
      /Warning: loss became .*nan.* Went back to the checkpoint at \d+ images.*\(1 of 3\)/,
    )
    expect(readFileSync(join(model.run, 'log.txt'), 'utf8')).toContain('Went back to the checkpoint')
    expect(linesOf(model.run).map(({ images }) => images)).toEqual([4, 10, 20, 30, 40, 50, 60, 70, 80])
    expect(checkpointsOf(model.run)).toEqual(['000000020', '000000040', '000000060', '000000080'])
    expect(await poisoned(model.run)).toEqual([])
    expect((await model.sample({ count: 1, steps: 2 })).count).toBe(1)
  }

  test('each time it goes on ends the run after three tries, with advice, and with whole checkpoints', async () => {
    Object.assign(poison, { images: 40, left: 1000 })
    const run = tinyRun(temporaryFolder(), data, options)
    expect(await errorOf(run)).toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(/going back to a checkpoint has not helped, 3 times/),
      hint: expect.stringContaining('--lr'),
    })
    expect(checkpointsOf(run.folder!).length).toBeGreaterThan(0)
    expect(await poisoned(run.folder!)).toEqual([])
    poison.left = 0
    expect((await tinyRun(temporaryFolder(), data, { maxImages: 4 })).images).toBe(4)
    tally('NaN put in again and again: ended with advice after three tries, every checkpoint whole', 1, 1)
  })
})

test('R44 pictures that are deleted while a run trains do not concern it', async () => {
  const folder = await drawPictures(join(temporaryFolder(), 'data'), 6)
  const run = tinyRun(temporaryFolder(), folder, { maxImages: 200 })
  for await (const _ of run) rmSync(folder, { recursive: true, force: true })
  expect((await run).images).toBeGreaterThanOrEqual(200)
})
