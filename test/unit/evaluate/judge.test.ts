import { beforeAll, describe, expect, test } from 'vitest'
import { loadDataset } from '../../../lib/data/dataset.ts'
import { MemoryPixelStore } from '../../../lib/data/pixel-store.ts'
import { type JudgeCall, judge } from '../../../lib/evaluate/judge.ts'
import { metricNames } from '../../../lib/evaluate/metrics.ts'
import type { PictureSet } from '../../../lib/evaluate/pictures.ts'
import type { NativeEvaluate } from '../../../lib/native/evaluate.ts'
import { fakeEvaluate } from '../../helpers/fake-evaluate.ts'
import { datasetOptions, noise } from '../../helpers/pictures.ts'
import { sharedFolder } from '../../helpers/runs.ts'

const SIZE = 12
const BYTES = SIZE * SIZE * 3
const N = 96

/** Pixels of built-in icons of one seed: works of one hand. */
async function icons(count: number, seed: number, cacheFolder: string): Promise<Uint8Array> {
  const options = datasetOptions(`builtin:icons:${count}:${seed}`, { size: SIZE })
  const { store } = await loadDataset(options, { cacheFolder })
  return store.read(Array.from({ length: count }, (_, i) => i))
}

const setOf = (pixels: Uint8Array): PictureSet => new MemoryPixelStore(pixels, { size: SIZE, channels: 3 })

/** Pictures made of these by a function of each value. */
const made = (count: number, valueAt: (picture: number, y: number, x: number, c: number) => number): Uint8Array =>
  Uint8Array.from({ length: count * BYTES }, (_, i) => {
    const [picture, at] = [Math.floor(i / BYTES), i % BYTES]
    return valueAt(picture, Math.floor(at / (SIZE * 3)), Math.floor(at / 3) % SIZE, at % 3)
  })

let training: Uint8Array
let fresh: Uint8Array
describe('judge(), without an extractor', () => {
  const native = fakeEvaluate()
  const cache = sharedFolder()
  const call = (samples: Uint8Array, over: Partial<JudgeCall['sets']> = {}): JudgeCall => ({
    sets: {
      samples: setOf(samples),
      reference: setOf(training),
      groups: Int32Array.from({ length: training.length / BYTES }, (_, i) => i),
      heldOut: null,
      ...over,
    },
    extractor: { missing: 'there is none' },
    statistics: null,
    kept: null,
    reference: 'training pictures',
    format: 'png',
    seed: 0,
  })
  const judged = (samples: Uint8Array, over?: Partial<JudgeCall['sets']>) =>
    judge(native as unknown as NativeEvaluate, call(samples, over), {})
  const at = (pixels: Uint8Array, picture: number, y: number, x: number, c: number) =>
    pixels[((picture * SIZE + y) * SIZE + x) * 3 + c]!

  beforeAll(async () => {
    training = await icons(N, 1, cache)
    fresh = await icons(N, 777, cache)
  })

  test('training pictures played back, mirrored and a little noised, are copied', async () => {
    const played = made(N, (picture, y, x, c) => {
      const mirrored = picture % 2 === 1
      const value = at(training, (picture * 7) % N, y, mirrored ? SIZE - 1 - x : x, c)
      return Math.max(0, Math.min(255, value + (noise(picture * BYTES + y * 31 + x * 7 + c) % 7) - 3))
    })
    const { judgement, pairs } = await judged(played)
    expect(judgement.verdict.word).toBe('copied')
    expect(judgement.copyShare).toMatchObject({ value: expect.closeTo(1, 1) })
    expect(pairs.pixels).toHaveLength(32)
    expect(pairs.pixels[0]!.reference).toBe((pairs.pixels[0]!.sample * 7) % N)
    expect(native.held).toBe(0)
  })

  test('a fresh set by the same hand is not, and held-out pictures show the same', async () => {
    const { judgement } = await judged(fresh, { heldOut: setOf(fresh.subarray(0, 16 * BYTES)) })
    const { copyShare, copyShareHeldOut, nnMae, nnMaeTrain, versusHeldOut, verdict } = judgement
    expect(['good', 'new']).toContain(verdict.word)
    expect(copyShare).toMatchObject({ value: expect.closeTo(0, 1) })
    expect(copyShareHeldOut).toMatchObject({ value: expect.closeTo(0, 0) })
    const [near, among] = [nnMae, nnMaeTrain].map((measured) => (measured as { value: number }).value) as [
      number,
      number,
    ]
    expect(near / among).toBeGreaterThan(0.8)
    expect(near / among).toBeLessThan(1.25)
    expect(versusHeldOut).toMatchObject({ fid: null, nnMae: { value: expect.any(Number) } })
  })

  test('one picture again and again is a collapse, half the variety is too alike, and both are told apart', async () => {
    const means = Float64Array.from({ length: BYTES }, (_, i) => {
      let sum = 0
      for (let picture = 0; picture < N; picture++) sum += fresh[picture * BYTES + i]!
      return sum / N
    })
    const collapsed = await judged(made(N, (_, y, x, c) => Math.round(means[(y * SIZE + x) * 3 + c]!)))
    const half = await judged(
      made(N, (picture, y, x, c) => {
        const mean = means[(y * SIZE + x) * 3 + c]!
        return Math.round(mean + (at(fresh, picture, y, x, c) - mean) * Math.SQRT1_2)
      }),
    )
    expect(collapsed.judgement.basis.spread).toBeLessThan(0.01)
    expect(half.judgement.basis.spread).toBeCloseTo(0.5, 1)
    expect(collapsed.judgement.verdict.because.join()).toContain('collapsed')
    expect(half.judgement.verdict.because.join()).toContain('too alike')
    for (const { judgement } of [collapsed, half]) expect(judgement.verdict.word).not.toBe('good')
  })

  test('every metric is a number or has a reason', async () => {
    const { judgement } = await judged(fresh)
    for (const name of metricNames)
      if (judgement[name] === null) expect(judgement.reasons[name], name).toMatch(/./)
      else expect(judgement.reasons[name], name).toBeUndefined()
    expect(judgement.reasons).toMatchObject({ fid: 'there is none', copyShareHeldOut: 'no pictures are held out' })
    expect(judgement.n).toBe(N)
    expect(judgement.floor).toMatchObject({ pictures: N / 2, fid: null, swd: { value: expect.any(Number) } })
  })

  test('a single training picture leaves out what needs two', async () => {
    const one = { reference: setOf(training.subarray(0, BYTES)), groups: Int32Array.of(0) }
    const { judgement } = await judged(fresh.subarray(0, 4 * BYTES), one)
    expect(judgement).toMatchObject({ nnMaeTrain: null, copyShare: null, floor: null, verdict: { word: 'unknown' } })
    expect(native.held).toBe(0)
  })

  test('an aborted signal ends it, and frees what was held', async () => {
    const signal = AbortSignal.abort()
    const work = judge(native as unknown as NativeEvaluate, call(fresh), { signal })
    await expect(work).rejects.toMatchObject({ code: 'ABORT_ERR' })
    expect(native.held).toBe(0)
  })
})
