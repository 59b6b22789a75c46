/** Ways of training: the CUDA set's arithmetic on the CPU, what is compared, and what is chosen. */
import { beforeAll, describe, expect, test } from 'vitest'
import { placeOn } from '../../lib/backend/placement.ts'
import {
  agrees,
  distanceByTensor,
  distanceOfMoves,
  fastestOf,
  formatTrials,
  runTrials,
  type Trial,
} from '../../lib/backend/trial.ts'
import type { Addon } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { resolveTrain, type TrainOptions } from '../../lib/options/resolve.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const unet: TrainOptions = { dim: 32, dimMults: [1, 2], size: 16, batch: 3, timesteps: 50 }

describe('on the CPU, where no kernel of its own runs', () => {
  const cases: [string, TrainOptions][] = [
    ['U-Net 2.3', unet],
    ['U-Net 2.3, accumulated, unclipped', { ...unet, accumulate: 2, clipGradNorm: null }],
    ['U-Net 0.26', { ...unet, variant: '0.26' }],
    ['DCGAN pytorch', { model: 'dcgan', size: 32, width: 8, latent: 16, batch: 4 }],
    ['DCGAN chainer', { model: 'dcgan', variant: 'chainer', size: 32, width: 8, latent: 16, batch: 4 }],
    ['DCGAN radford', { model: 'dcgan', variant: 'radford', size: 32, width: 8, latent: 16, batch: 4 }],
  ]
  test.each(cases)('%s: the set "cuda" moves as the reference does; a graph is refused and told', async (_, given) => {
    const options = resolveTrain(given)
    const tried = await runTrials(addon, options, placeOn('cpu', options, []), true)
    expect(tried.map(({ ops, graph, problem }) => [ops, graph, problem === null])).toEqual([
      ['reference', false, true],
      ['reference', true, false],
      ['cuda', false, true],
      ['cuda', true, false],
    ])
    // float32 on both sides: nearer than what a GPU is allowed. The Chainer DCGAN has biases before a batch norm, whose
    // gradients are nothing but rounding.
    expect(tried[2]!.distance).toBeLessThan(options.model === 'dcgan' ? 5e-3 : 2e-4)
    expect(tried[1]!.problem).toContain('CUDA')
    expect(fastestOf(tried).graph).toBe(false)
  })
})

describe('what is compared', () => {
  const values = (entries: Record<string, number[]>) =>
    new Map(Object.entries(entries).map(([name, list]) => [name, Float32Array.from(list)]))

  test('the tensor that is furthest counts, relative to its size', async () => {
    const expected = values({ a: [3, 4], b: [1, 0] })
    expect(await distanceByTensor(values({ a: [3, 4], b: [1, 0] }), expected)).toBe(0)
    expect(await distanceByTensor(values({ a: [3, 4], b: [1, 0.5] }), expected)).toBeCloseTo(0.5)
  })

  test('a tensor of almost nothing is held against the others', async () => {
    const expected = values({ a: [3, 4], b: [1e-12, 0] })
    expect(await distanceByTensor(values({ a: [3, 4], b: [2e-12, 0] }), expected)).toBeLessThan(1e-9)
  })

  test('NaN is further than anything', async () => {
    const bad = values({ a: [Number.NaN, 4] })
    expect(await distanceByTensor(bad, values({ a: [3, 4] }))).toBe(Number.POSITIVE_INFINITY)
    expect(await distanceOfMoves(values({ a: [0, 0] }), bad, values({ a: [3, 4] }))).toBe(Number.POSITIVE_INFINITY)
  })

  test('moves are compared from where they began', async () => {
    const from = values({ a: [100, 100] })
    expect(await distanceOfMoves(from, values({ a: [101, 100] }), values({ a: [100, 101] }))).toBeCloseTo(Math.SQRT2)
  })
})

describe('what is chosen', () => {
  const way = (given: Partial<Trial>): Trial => ({
    ops: 'reference',
    graph: false,
    milliseconds: 10,
    distance: null,
    bound: null,
    problem: null,
    ...given,
  })

  test('the fastest that agrees', () => {
    const tried = [
      way({}),
      way({ ops: 'cuda', milliseconds: 4, distance: 0.5, bound: 0.1 }),
      way({ graph: true, milliseconds: 6, distance: 0, bound: 0.1 }),
      way({ ops: 'cuda', graph: true, milliseconds: null, problem: 'out of memory' }),
    ]
    expect(fastestOf(tried)).toEqual({ ops: 'reference', graph: true })
    expect(tried.map(agrees)).toEqual([true, false, true, false])
    expect(formatTrials(tried)).toEqual([
      'reference: 10.00 ms an update',
      'cuda: 4.00 ms an update, differs by 5.0e-1, more than 1e-1: not used',
      'reference in a graph: 6.00 ms an update, differs by 0.0e+0',
      'cuda in a graph: out of memory',
    ])
  })

  test('the reference where nothing else is as fast', () => {
    expect(fastestOf([way({}), way({ ops: 'cuda', milliseconds: 11, distance: 0, bound: 1 })])).toEqual({
      ops: 'reference',
      graph: false,
    })
  })
})
