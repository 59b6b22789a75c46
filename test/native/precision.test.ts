import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Addon, Numerics } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { tinyRun, useOwnCache } from '../helpers/runs.ts'
import { smallTrainer } from '../helpers/specs.ts'

useOwnCache()
let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})
// The switches are the process's: leave them as a plain run does.
afterAll(async () => (await smallTrainer(addon, {})).dispose())

/** The switches after one unit with these options. */
async function numericsOf(options: AnyTrainOptions): Promise<Numerics> {
  const trainer = await smallTrainer(addon, options, 4)
  await trainer.step(1)
  trainer.dispose()
  return (await addon.info()).numerics
}

const off = { allowTf32Cublas: false, allowTf32Cudnn: false }
const on = { allowTf32Cublas: true, allowTf32Cudnn: true }

describe('precision sets the switches of cuBLAS and cuDNN, by their older and newer names', () => {
  test.each([
    ['fp32', { matmul: 'ieee', convolution: 'ieee', ...off }],
    ['tf32', { matmul: 'tf32', convolution: 'tf32', ...on }],
    // What autocast leaves in float32 is not rounded further.
    ['bf16', { matmul: 'ieee', convolution: 'ieee', ...off }],
  ] as const)('%s', async (precision, expected) => {
    // Whatever was set before must not shine through.
    for (const before of ['tf32', 'fp32'] as const) {
      await numericsOf({ precision: before })
      expect(await numericsOf({ precision })).toMatchObject(expected)
    }
  })

  test('each unit sets its own: two trainers side by side keep theirs', async () => {
    const rounded = await smallTrainer(addon, { precision: 'tf32', deterministic: true }, 4)
    const plain = await smallTrainer(addon, { precision: 'fp32' }, 4)
    for (const [trainer, matmul, deterministicAlgorithms] of [
      [rounded, 'tf32', true],
      [plain, 'ieee', false],
      [rounded, 'tf32', true],
    ] as const) {
      await trainer.step(1)
      expect((await addon.info()).numerics).toMatchObject({ matmul, deterministicAlgorithms })
    }
    rounded.dispose()
    plain.dispose()
  })
})

describe('deterministic', () => {
  test('asks PyTorch and cuDNN for deterministic algorithms; nothing is ever tried out for speed', async () => {
    const yes = { deterministicAlgorithms: true, deterministicCudnn: true, benchmarkCudnn: false }
    expect(await numericsOf({ deterministic: true })).toMatchObject(yes)
    const no = { deterministicAlgorithms: false, deterministicCudnn: false, benchmarkCudnn: false }
    expect(await numericsOf({})).toMatchObject(no)
    expect(await numericsOf({ exact: true })).toMatchObject({ ...no, deterministicCudnn: true })
  })

  test('changes no bit on a CPU, for any model', async () => {
    for (const options of [
      {},
      { variant: '0.26' },
      { model: 'dcgan' },
      { model: 'dcgan', variant: 'chainer' },
    ] as const) {
      const losses = async (deterministic: boolean) => {
        const trainer = await smallTrainer(addon, { ...options, deterministic })
        const metrics = await trainer.step(2)
        trainer.dispose()
        return metrics
      }
      expect(await losses(true)).toEqual(await losses(false))
    }
  })
})

test('a run records what it computes with', async () => {
  const model = await tinyRun(temporaryFolder(), 'builtin:icons:4', {
    maxImages: 4,
    precision: 'tf32',
    deterministic: true,
  })
  const { precision, numerics } = JSON.parse(readFileSync(join(model.run, 'environment.json'), 'utf8'))
  expect(precision).toBe('tf32')
  expect(numerics).toMatchObject({ matmul: 'tf32', convolution: 'tf32', ...on, deterministicAlgorithms: true })
  expect(model.options).toMatchObject({ deterministic: true })
  model.dispose()
})
