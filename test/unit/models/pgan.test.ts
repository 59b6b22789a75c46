/** What a PGAN's options take together, and the lengths of its schedule. */
import { expect, test } from 'vitest'
import { pgan } from '../../../lib/models/pgan.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { errorOf } from '../../helpers/runs.ts'

test('sizes are powers of two that the widths reach', () => {
  for (const size of [8, 16, 32, 64, 128, 256, 512]) expect(resolveTrain({ model: 'pgan', size }).size).toBe(size)
  expect(resolveTrain({ model: 'pgan', variant: 'small' })).toMatchObject({ size: 32, latent: 128, batch: 16 })
})

test.each<[AnyTrainOptions, string, string]>([
  [{ size: 96 }, 'size', 'one of 8, 16, 32'],
  [{ size: 64, widths: [64, 32, 16] }, 'widths', 'at least 5 numbers for size 64, one for each of 4 to 64 px'],
  [{ fadeImages: 10, scaleImages: 5 }, 'fadeImages', 'at most scaleImages, 5'],
  [{ accumulate: 2 }, 'accumulate', 'must be 1'],
  [{ emaEvery: 10 }, 'emaEvery', 'must be 1'],
  [{ emaLength: 0.1 }, 'emaLength', 'must be null'],
  [{ precision: 'bf16' }, 'precision', 'fp32'],
])('%j is answered at %s', async (given, path, said) => {
  const error = await errorOf((async () => resolveTrain({ model: 'pgan', ...given }))())
  expect(error.details.problems).toMatchObject([{ path, message: expect.stringContaining(said) }])
})

test('of a run that is bound in time, scales and fades share what it sees', () => {
  const { scaleImages, fadeImages } = pgan.timed.settings(550_000)
  // Six scales, the first of half length.
  expect([scaleImages, fadeImages]).toEqual([100_000, 50_000])
})
