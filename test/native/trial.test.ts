/** Ways of training: the CUDA set's arithmetic on the CPU, what is compared, and what is chosen. */
import { beforeAll, describe, expect, test } from 'vitest'
import { placeOn } from '../../lib/backend/placement.ts'
import { agrees, fastestOf, formatTrials, runTrials, type Trial } from '../../lib/backend/trial.ts'
import type { Addon, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const unet: AnyTrainOptions = { dim: 32, dimMults: [1, 2], size: 16, batch: 3, timesteps: 50 }

describe('on the CPU, where no kernel of its own runs', () => {
  const cases: [string, AnyTrainOptions][] = [
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
  type Values = Map<string, Float32Array>

  /** Float tensors of a trainer whose names are wanted. */
  async function read(trainer: NativeTrainer, wanted: (name: string) => boolean): Promise<Values> {
    const values: Values = new Map()
    for (const { name, dtype } of await trainer.tensors())
      if (dtype === 'F32' && wanted(name))
        values.set(name, new Float32Array(Uint8Array.from(await trainer.tensor(name)).buffer))
    return values
  }
  const weightsOf = (trainer: NativeTrainer) =>
    read(trainer, (name) => !/^(optimizer|ema|progress|random)\./.test(name))
  const momentsOf = (trainer: NativeTrainer) => read(trainer, (name) => name.startsWith('optimizer.exp_avg.'))

  const squares = (a: Float32Array, b?: Float32Array) =>
    a.reduce((total, value, i) => total + (value - (b?.[i] ?? 0)) ** 2, 0)

  function distanceByTensor(a: Values, b: Values): number {
    const all = [...b.values()].reduce((total, values) => total + squares(values), 0)
    const count = [...b.values()].reduce((total, { length }) => total + length, 0)
    const distances = [...b].map(([name, expected]) => {
      const size = Math.sqrt(Math.max(squares(expected), 0.02 ** 2 * (all / count) * expected.length))
      return Math.sqrt(squares(a.get(name)!, expected)) / size
    })
    return Math.max(...distances)
  }

  function distanceOfMoves(from: Values, a: Values, b: Values): number {
    const sum = (of: (name: string) => number) => [...from.keys()].reduce((total, name) => total + of(name), 0)
    return Math.sqrt(
      sum((name) => squares(a.get(name)!, b.get(name)!)) / sum((name) => squares(b.get(name)!, from.get(name)!)),
    )
  }

  const relative = (value: number, expected: number) => Math.abs(value - expected) / expected

  test.each<AnyTrainOptions>([{}, { model: 'dcgan' }, { model: 'dcgan', variant: 'chainer' }])(
    '%o: distances are those of the tensors, in double',
    async (options) => {
      const trainer = await smallTrainer(addon, options)
      const other = await smallTrainer(addon, { ...options, lr: 1e-3 })
      const [start, startValues] = [await trainer.snapshot('weights'), await weightsOf(trainer)]
      await trainer.step(2)
      await other.step(3)
      const snapshots = await Promise.all([trainer, other].map((one) => one.snapshot('weights')))
      const moments = await Promise.all([trainer, other].map((one) => one.snapshot('moments')))
      const [a, b] = [await weightsOf(trainer), await weightsOf(other)]
      const [m, n] = [await momentsOf(trainer), await momentsOf(other)]
      // Training goes on; the copies stay.
      await Promise.all([trainer.step(1), other.step(1)])
      expect(m.size).toBeGreaterThan(5)
      expect(relative(await snapshots[0]!.distance(snapshots[1]!), distanceByTensor(a, b))).toBeLessThan(1e-9)
      expect(relative(await moments[0]!.distance(moments[1]!), distanceByTensor(m, n))).toBeLessThan(1e-9)
      const moved = await snapshots[0]!.distanceOfMoves(start, snapshots[1]!)
      expect(relative(moved, distanceOfMoves(startValues, a, b))).toBeLessThan(1e-9)
      expect(await snapshots[0]!.distance(snapshots[0]!)).toBe(0)
      expect(await snapshots[0]!.distanceOfMoves(start, snapshots[0]!)).toBe(0)
      for (const snapshot of [start, ...snapshots, ...moments]) snapshot.dispose()
    },
  )

  const bias = 'model.final_conv.bias'
  const set = (trainer: NativeTrainer, ...values: number[]) =>
    trainer.load(
      [{ name: bias, dtype: 'F32', shape: [3], bytes: new Uint8Array(Float32Array.from(values).buffer) }],
      'same',
    )

  test('the tensor that is furthest counts; one of almost nothing is held against the others', async () => {
    const trainer = await smallTrainer(addon, {})
    await set(trainer, 3, 4, 0)
    const expected = await trainer.snapshot('weights')
    await set(trainer, 3, 4, 2.5)
    expect(await (await trainer.snapshot('weights')).distance(expected)).toBeCloseTo(0.5)
    await set(trainer, 1e-12, 0, 0)
    const small = await trainer.snapshot('weights')
    await set(trainer, 2e-12, 0, 0)
    expect(await (await trainer.snapshot('weights')).distance(small)).toBeLessThan(1e-9)
  })

  test('moves are compared from where they began', async () => {
    const trainer = await smallTrainer(addon, {})
    const at = async (...values: number[]) => {
      await set(trainer, ...values)
      return trainer.snapshot('weights')
    }
    const [from, a, b] = [await at(100, 100, 0), await at(101, 100, 0), await at(100, 101, 0)]
    expect(await a.distanceOfMoves(from, b)).toBeCloseTo(Math.SQRT2)
  })

  test('NaN is further than anything', async () => {
    const trainer = await smallTrainer(addon, {})
    const good = await trainer.snapshot('weights')
    await set(trainer, Number.NaN, 4, 0)
    const bad = await trainer.snapshot('weights')
    expect(await bad.distance(good)).toBe(Number.POSITIVE_INFINITY)
    expect(await bad.distanceOfMoves(good, good)).toBe(Number.POSITIVE_INFINITY)
  })

  test('what cannot be compared rejects: other networks, other tensors, disposed ones, no snapshots', async () => {
    const one = await smallTrainer(addon, {})
    const two = await smallTrainer(addon, { dim: 16 })
    const [weights, others] = [await one.snapshot('weights'), await two.snapshot('weights')]
    await expect(weights.distance(others)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    await expect(weights.distance(await one.snapshot('moments'))).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    await expect(async () => weights.distance(one as never)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    others.dispose()
    await expect(async () => weights.distance(others)).rejects.toMatchObject({ code: 'DISPOSED' })
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
