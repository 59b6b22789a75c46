/** R39: advice names options with their values now and then, and only where options help. */
import { describe, expect, test } from 'vitest'
import { type ErrorCode, freeSpaceHint, ShinsakuError } from '../../../lib/errors.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { withSampleAdvice } from '../../../lib/sampling/advice.ts'
import { isNotFinite, withAdvice } from '../../../lib/train/advice.ts'

const native = (code: ErrorCode) => new ShinsakuError(code, 'what happened', { details: { call: 'Trainer.step' } })
const hintFor = (code: ErrorCode, options: AnyTrainOptions) =>
  (withAdvice(native(code), resolveTrain(options)) as ShinsakuError).hint

describe('R39 memory that ran out', () => {
  test('half the batch twice, or a smaller picture or network', () => {
    const hint = hintFor('OUT_OF_MEMORY', { batch: 16, size: 64, dim: 32 })
    expect(hint).toContain('batch: 8 (--batch 8) and accumulate: 2 (--accumulate 2)')
    expect(hint).toContain('size (64 now) or dim (32 now)')
    expect(hint).toContain('stays usable')
    expect(hintFor('OUT_OF_MEMORY', { batch: 5, accumulate: 3 })).toContain('batch: 3 (--batch 3) and accumulate: 6')
  })

  test('a DCGAN has a width; a batch of one cannot be halved', () => {
    expect(hintFor('OUT_OF_MEMORY', { model: 'dcgan' })).toContain('size (64 now) or width (64 now)')
    expect(hintFor('OUT_OF_MEMORY', { batch: 1 })).toMatch(
      /^batch is 1 already: lower size \(128 now\) or dim \(64 now\)/,
    )
  })

  test('while pictures are sampled: fewer at once, or fewer in all where all are computed together', () => {
    const hint = (atOnce: number, batch: number) =>
      (withSampleAdvice(native('OUT_OF_MEMORY'), { atOnce, batch }) as ShinsakuError).hint
    expect(hint(64, 64)).toContain('fewer at once: batch: 32 (--batch 32); free memory')
    expect(hint(200, 1)).toContain('sample fewer pictures in one call, which are computed together: count 200 now;')
    expect(hint(1, 1)).toMatch(/^One of these helps: free memory/)
    for (const error of [native('NATIVE_FAILED'), new Error('x')])
      expect(withSampleAdvice(error, { atOnce: 2, batch: 2 })).toBe(error)
  })

  test('of another kind keeps its own advice', () => {
    const error = new ShinsakuError('OUT_OF_MEMORY', 'too many pictures', { hint: 'Give fewer.' })
    expect(withAdvice(error, resolveTrain({}))).toBe(error)
  })
})

describe('R36 numbers that are none', () => {
  test('lr, and what is not set yet', () => {
    const hint = hintFor('LOSS_NOT_FINITE', { variant: '0.26', lr: 0.0005, precision: 'bf16', batch: 4 })
    expect(hint).toContain('lower lr, 0.0005 now: lr: 0.0002 (--lr 0.0002)')
    expect(hint).toContain('clipGradNorm: 1 (--clip-grad-norm 1)')
    expect(hint).toContain('precision: fp32 (--precision fp32)')
    expect(hint).toContain('warmup: 2000 (--warmup 2000)')
    const set = hintFor('WEIGHTS_NOT_FINITE', { clipGradNorm: 0.5, warmup: 100, precision: 'fp32' })
    for (const word of ['clip', 'warmup', 'precision']) expect(set).not.toContain(word)
  })

  test('code, message and cause stay', () => {
    const error = native('LOSS_NOT_FINITE')
    const advised = withAdvice(error, resolveTrain({})) as ShinsakuError
    expect(advised).toMatchObject({ code: error.code, message: error.message, cause: error, details: error.details })
    expect([isNotFinite(error), isNotFinite(native('NATIVE_FAILED')), isNotFinite(new Error('x'))]).toEqual([
      true,
      false,
      false,
    ])
  })
})

test('a full disk is to be freed, and the run to be resumed; what knows better says so itself', () => {
  const full = (hint: string) => new ShinsakuError('DISK_FULL', 'no space', { hint })
  const advised = withAdvice(full(freeSpaceHint), resolveTrain({}), 'runs/00000-a') as ShinsakuError
  expect(advised).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('--resume runs/00000-a') })
  const better = full('Set SHINSAKU_CACHE.')
  expect(withAdvice(better, resolveTrain({}), 'runs/00000-a')).toBe(better)
})

test('any other failure passes as it is', () => {
  for (const error of [native('DISK_FULL'), new Error('x'), undefined])
    expect(withAdvice(error, resolveTrain({}))).toBe(error)
})
