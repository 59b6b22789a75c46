import { describe, expect, test } from 'vitest'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'

const problemsOf = (call: () => unknown): { path: string; message: string }[] => {
  try {
    call()
  } catch (error) {
    return (error as { details: { problems: { path: string; message: string }[] } }).details.problems
  }
  return []
}

describe('dcgan options', () => {
  test.each(['pytorch', 'chainer', 'radford'] as const)('%s has 32, 64, 96 and 128 px and no other size', (variant) => {
    for (const size of [32, 64, 96, 128]) expect(resolveTrain({ model: 'dcgan', variant, size }).size).toBe(size)
    const problems = problemsOf(() => resolveTrain({ model: 'dcgan', variant, size: 48 }))
    expect(problems).toEqual([{ path: 'size', message: expect.stringContaining('32, 64, 96, 128') }])
  })

  test('a batch of one only where the first batch norm sees a map', () => {
    expect(resolveTrain({ model: 'dcgan', batch: 1 }).batch).toBe(1)
    for (const variant of ['chainer', 'radford'] as const) {
      const problems = problemsOf(() => resolveTrain({ model: 'dcgan', variant, batch: 1 }))
      expect(problems).toEqual([{ path: 'batch', message: expect.stringContaining('at least 2') }])
    }
  })

  test('a single picture with statistics of the batch only there, too', () => {
    const [pytorch, chainer] = (['pytorch', 'chainer'] as const).map((variant) =>
      resolveTrain({ model: 'dcgan', variant }),
    )
    expect(resolveSample({ batchNorm: 'batch' }, pytorch!).batchNorm).toBe('batch')
    expect(resolveSample({ batchNorm: 'batch', seeds: [1, 2] }, chainer!).batchNorm).toBe('batch')
    for (const given of [{ count: 1 }, { seeds: [7] }]) {
      const problems = problemsOf(() => resolveSample({ batchNorm: 'batch', ...given }, chainer!))
      expect(problems).toEqual([{ path: 'batchNorm', message: expect.stringContaining('"running"') }])
    }
  })
})
