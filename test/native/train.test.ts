/** The cpu sets train: every gradient against the reference in double, whole updates beside the reference's. */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, HostTensor, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { growthOf } from '../helpers/growth.ts'
import { type Case, casesOf } from '../helpers/programs.ts'
import { smallSpec, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
let sets: string[]
let cases: Case[]
beforeAll(async () => {
  addon = await loadAddon()
  sets = (await addon.info()).cpuOps
  cases = casesOf('train_check')
}, 900_000)

describe('every operation and network of every set, forward and back, on one thread and two', () => {
  test('is checked', () => {
    expect([...new Set(cases.map(({ set }) => set))].sort()).toEqual([...sets, 'reference'].sort())
    for (const set of sets)
      expect(cases.filter((c) => c.set === set && c.error !== undefined).length).toBeGreaterThan(1000)
  })

  test('is within 1e-5 of the reference in double, through whole networks within 3e-5', () => {
    const bound = (name: string) => (name.startsWith('U-Net') ? 3e-5 : 1e-5)
    const wrong = cases.filter(({ name, error }) => error !== undefined && !(error < bound(name)))
    expect(wrong).toEqual([])
  })

  test('gives the same bits again', () => {
    expect(cases.filter(({ same }) => same === 0)).toEqual([])
  })

  test('has a first derivative, and refuses a second one', () => {
    const functions = [
      'the 1x1 convolution',
      'the 3x3 convolution',
      'the convolution of stride 2',
      'the concatenation',
      'the norm',
      'linear attention',
    ]
    for (const set of sets) {
      const refusing = cases.filter((c) => c.set === set && c.refused === 1)
      expect(refusing.map(({ name }) => name).sort()).toEqual(functions.sort())
    }
  })
})

test('describe() says within 3 % how much memory autograd keeps for a picture', () => {
  const told = cases.filter((c) => c.told !== undefined)
  expect(told.map(({ name }) => name)).toEqual([
    'U-Net 2.3',
    'U-Net 0.26',
    'DCGAN pytorch',
    'DCGAN chainer',
    'DCGAN radford',
  ])
  for (const { name, told: share } of told) expect(Math.abs(share! - 1), name).toBeLessThan(0.03)
})

const models: Record<string, AnyTrainOptions> = {
  'diffusion 2.3': { dim: 16, dimMults: [1, 2], size: 24, batch: 3, clipGradNorm: 1 },
  'diffusion 2.3, a single picture, self-conditioned, not clipped': {
    dim: 32,
    size: 20,
    batch: 1,
    clipGradNorm: null,
    loss: 'l1',
    selfCondition: true,
  },
  'diffusion 0.26, accumulating': {
    variant: '0.26',
    dim: 16,
    dimMults: [1, 2],
    batch: 5,
    accumulate: 2,
    clipGradNorm: 0.5,
  },
  'diffusion of narrow layers': { dim: 8, dimMults: [1, 3], size: 18, batch: 16, channels: 1 },
  'dcgan pytorch': { model: 'dcgan', width: 16, batch: 8 },
  'dcgan chainer, decaying': {
    model: 'dcgan',
    variant: 'chainer',
    width: 8,
    batch: 3,
    weightDecay: 1e-3,
    clipGradNorm: 1,
  },
  'dcgan radford, averaged': { model: 'dcgan', variant: 'radford', width: 4, emaDecay: 0.9, channels: 4 },
}

async function stateOf(trainer: NativeTrainer): Promise<HostTensor[]> {
  const state: HostTensor[] = []
  for (const info of await trainer.tensors()) state.push({ ...info, bytes: await trainer.tensor(info.name) })
  return state
}

const digest = (state: readonly HostTensor[]) =>
  Object.fromEntries(state.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')]))

const losses = ['loss', 'lossG', 'lossD', 'gradNorm']

describe.each(Object.entries(models))('%s', (_, options) => {
  test.each([1, 2])('every set goes the way of the reference, on %i threads', async (threads) => {
    const reference = await smallTrainer(addon, { ...options, threads })
    const expected = await reference.step(3)
    const shapes = await reference.tensors()
    for (const set of sets) {
      const trainer = await smallTrainer(addon, { ...options, threads }, 10, [set])
      const metrics = await trainer.step(3)
      expect(await trainer.tensors()).toEqual(shapes)
      for (const name of losses.filter((loss) => loss in expected))
        for (const [i, value] of metrics[name]!.entries()) {
          const wanted = expected[name]![i]!
          // Adam's first steps only look at a gradient's sign, which rounding decides where it is next to nothing.
          expect(Math.abs(value - wanted) / Math.abs(wanted), `${name} ${i}`).toBeLessThan(i === 0 ? 2e-5 : 2e-2)
        }
      trainer.dispose()
    }
    reference.dispose()
  })

  test('the same seed gives the same bytes, interrupted or not', async () => {
    const given = { ...options, threads: 2 }
    for (const set of sets) {
      const straight = await smallTrainer(addon, given, 10, [set])
      await straight.step(4)
      const first = await smallTrainer(addon, given, 10, [set])
      await first.step(2)
      const second = await smallTrainer(addon, given, 10, [set])
      await second.load(await stateOf(first), 'same')
      await second.step(1)
      await second.step(1)
      expect(digest(await stateOf(second))).toEqual(digest(await stateOf(straight)))
      for (const trainer of [straight, first, second]) trainer.dispose()
    }
  })
})

test('exact trains and draws with the reference, and so does bf16', () => {
  expect(smallSpec({}, ['cpu-avx2'])).toMatchObject({ ops: 'cpu-avx2', samplingOps: 'cpu-avx2' })
  expect(smallSpec({ exact: true }, ['cpu-avx2'])).toMatchObject({ ops: 'reference', samplingOps: 'reference' })
  expect(smallSpec({ precision: 'bf16' }, ['cpu-avx2'])).toMatchObject({ ops: 'reference', samplingOps: 'cpu-avx2' })
})

test('memory stays as it is over many updates', async () => {
  for (const model of ['diffusion', 'dcgan'] as const) {
    const trainer = await smallTrainer(addon, { model }, 10, sets)
    const resident: number[] = []
    for (let i = 0; i < 40; i++) {
      await trainer.step(6)
      resident.push(process.memoryUsage.rss())
    }
    expect(growthOf(resident)).toBeLessThan(8 << 20)
    trainer.dispose()
  }
})
