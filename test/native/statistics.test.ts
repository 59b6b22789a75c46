/** FID against the statistics of a file: the number that their pictures give, and beside it all other numbers as they were. */
import { beforeAll, expect, test } from 'vitest'
import { MemoryPixelStore } from '../../lib/data/pixel-store.ts'
import { judge } from '../../lib/evaluate/judge.ts'
import { centreOf } from '../../lib/evaluate/metrics.ts'
import type { NamedStatistics } from '../../lib/evaluate/statistics.ts'
import type { NativeEmbedder, NativeEvaluate } from '../../lib/native/evaluate.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { noise } from '../helpers/pictures.ts'

const [SIZE, COUNT] = [8, 24]
const BYTES = SIZE * SIZE * 3
let addon: NativeEvaluate
beforeAll(async () => {
  addon = withThreads(await loadAddon(), 2)
})

const picturesOf = (seed: number) =>
  new MemoryPixelStore(
    Uint8Array.from({ length: COUNT * BYTES }, (_, i) => noise(seed * 1_000_003 + i)),
    { size: SIZE, channels: 3 },
  )

/** Some of a picture's own values as its features. */
const embedderOf = (width: number): NativeEmbedder => ({
  embed: async (pixels, [count]) =>
    Float32Array.from({ length: count! * width }, (_, i) => pixels[Math.floor(i / width) * BYTES + (i % width)]! / 255),
  dispose() {},
})

async function judged(width: number, statistics: NamedStatistics | null) {
  const { judgement, features } = await judge(
    addon,
    {
      sets: {
        samples: picturesOf(2),
        reference: picturesOf(1),
        groups: Int32Array.from({ length: COUNT }, (_, i) => i),
        heldOut: null,
      },
      extractor: { open: { embedder: embedderOf(width), width }, info: { name: 'inception', sha256: '00', width } },
      statistics,
      kept: null,
      reference: 'training pictures',
      format: 'png',
      seed: 0,
    },
    {},
  )
  const { n: _, ...found } = await features!.reference.native.statistics()
  features!.reference.native.dispose()
  return { judgement, statistics: { ...found, name: 'published.npz' } }
}

// With fewer pictures than features, and with more.
test.each([4, 40])('%i features', async (width) => {
  const plain = await judged(width, null)
  const { fid, floor, basis, ...others } = (await judged(width, plain.statistics)).judgement
  expect(centreOf(fid)! / centreOf(plain.judgement.fid)!).toBeCloseTo(1, 5)
  expect([floor!.fid, basis.statistics, plain.judgement.basis.statistics]).toEqual([null, 'published.npz', undefined])
  expect(others.kid).toEqual(plain.judgement.kid)
  expect(floor!.kid).toEqual(plain.judgement.floor!.kid)

  const far = { ...plain.statistics, mean: plain.statistics.mean.map((value) => value + 1) }
  expect(centreOf((await judged(width, far)).judgement.fid)).toBeGreaterThan(centreOf(fid)! + 0.5 * width)
})
