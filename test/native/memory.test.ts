/** Memory: none is lost however often a thing is done, and V8 knows what the addon holds for it. */
import { describe, expect, test } from 'vitest'
import { loadNative } from '../../lib/native/load.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { growthOf, measureGrowth, measureStream } from '../helpers/growth.ts'
import { smallTrainer } from '../helpers/specs.ts'
import { times } from '../helpers/stress.ts'

// Allocators come and go by a megabyte or two, and V8 grows by some ten in a process's first two dozen runs. Losing a
// model, a run or the gradients of an update each time adds far more than this in a quarter of the repetitions; losing
// one tensor of a denoising step does so in `npm run stress`.
const MAX_GROWTH = 3 * 2 ** 20
/** Memory that is lost grows in each of so many. */
const PROCESSES = 3

describe('R56: resident memory stays flat over', () => {
  test.each([
    ['load', times(60, 500)],
    ['garbage', times(60, 500)],
    ['abortSample', times(40, 200)],
    ['abortRun', times(48, 200)],
    ['sampleStep', times(400, 10_000)],
    ['trainStep', times(60, 2000)],
  ])('%s, %i times', async (thing, count) => {
    // V8 adds some megabytes at once when it likes; what is lost each time is lost in every process.
    const growths: number[] = []
    do growths.push(await measureGrowth(thing, count, temporaryFolder()))
    while (Math.min(...growths) >= MAX_GROWTH && growths.length < PROCESSES)
    expect(Math.min(...growths)).toBeLessThan(MAX_GROWTH)
  })

  test('the measure sees what grows, and not what has only grown at first', () => {
    const samples = (at: (i: number) => number) => Array.from({ length: 40 }, (_, i) => at(i))
    expect(growthOf(samples((i) => 1e6 + 500 * i))).toBe(5000)
    expect(growthOf(samples((i) => (i < 20 ? 500 * i : 1e4)))).toBe(0)
  })
})

// Less than a third of the pixels, 74 MB; measured are a few. The long form is 20,000 pictures of 32 px, 61 MB.
describe('resident memory stays flat while pictures leave as they are finished, by', () => {
  const [count, size] = [times(1500, 20_000), times(128, 32)]
  const bytes = count * size * size * 3

  test.each(['save', 'grid', 'both', 'iterate'].slice(0, times(2, 4)))('%s', async (form) => {
    expect(await measureStream(form, count, size, temporaryFolder())).toBeLessThan(bytes / 3)
  })

  test('the measure sees a form that holds them all', async () => {
    expect(await measureStream('all', count, size, temporaryFolder())).toBeGreaterThan(bytes / 2)
  })
})

test('what nobody disposes is collected before it fills the memory: V8 knows how much each handle holds', async () => {
  const { raw } = await loadNative()
  const trainer = await smallTrainer(raw, { dim: 64 })
  let freed = 0
  const registry = new FinalizationRegistry(() => {
    freed += 1
  })
  // 12 MB of weights each; the objects themselves are a few bytes, for which V8 would collect nothing.
  for (let i = 0; i < 60; i++) {
    registry.register(await trainer.inferenceModel('raw'), i)
    await new Promise((resolve) => setTimeout(resolve))
  }
  expect(freed).toBeGreaterThan(30)
  trainer.dispose()
})
