import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

type Row = { variant: '0.26' | '2.3'; dimMults: number[]; keys: string; parameters: number; initial: string }

/** SHA-256 over the initial float32 parameters for seed 3407, dim 64, measured from the published packages. */
const rows: Row[] = [
  {
    variant: '0.26',
    dimMults: [1, 2, 4, 8],
    keys: 'ddpm-0.26.4_1-2-4-8',
    parameters: 36_255_235,
    initial: '592372ea62b4dda8032b1369e5435fd69f095dc7960e72f3655235af3eef5675',
  },
  {
    variant: '0.26',
    dimMults: [1, 4, 16],
    keys: 'ddpm-0.26.4_1-4-16',
    parameters: 98_309_379,
    initial: '4e47dd016c11897a661194bce5acfeaefee76df0a5b4ccc28efb9cbfbb5a55f5',
  },
  {
    variant: '2.3',
    dimMults: [1, 2, 4, 8],
    keys: 'ddpm-2.3.1_1-2-4-8',
    parameters: 35_711_491,
    initial: '8c29fb9f3a75a35c7d0c52baf0d687e38cab11e6f28d6b48440cc4197ee2ddcf',
  },
  {
    variant: '2.3',
    dimMults: [1, 4, 16],
    keys: 'ddpm-2.3.1_1-4-16',
    parameters: 98_053_891,
    initial: 'b443c19d767b04a2a62e8df1dadcc75ba45c9864dbc84abde1a16e109e778567',
  },
]

const isWeight = (name: string) => !/^(ema|optimizer|random|progress)\./.test(name)

async function weightsDigest(trainer: NativeTrainer, names: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const name of names) hash.update(await trainer.tensor(name))
  return hash.digest('hex')
}

describe.each(rows)('U-Net $variant $dimMults', ({ variant, dimMults, keys, parameters, initial }) => {
  const options = { variant, dimMults, dim: 64, size: 128, emaDecay: null }
  let trainer: NativeTrainer
  let names: string[]

  beforeAll(async () => {
    trainer = await smallTrainer(addon, options, 1)
    names = (await trainer.tensors()).map(({ name }) => name).filter(isWeight)
    return () => trainer.dispose()
  })

  test('state names and shapes are those of the package', async () => {
    const expected = readFileSync(new URL(`../fixtures/keys/${keys}.txt`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
    const own = (await trainer.tensors()).filter(({ name }) => isWeight(name))
    // Python writes a tuple of one with a comma.
    const lines = own.map(({ name, shape }) => `${name} (${shape.join(', ')}${shape.length === 1 ? ',' : ''})`)
    // The lists were made with 1000 time steps.
    expect(lines.map((line) => line.replace(/\(50,\)$/, '(1000,)'))).toEqual(expected)
  })

  test('the parameters are as many, and describe() counts the same without making them', async () => {
    expect((await addon.describe(smallSpec(options))).parameters).toBe(parameters)
  })

  test('the initial values for seed 3407 are those of the package, bit for bit', async () => {
    const { cpuCapability } = await addon.info()
    // Uniform draws are equal on every processor; the memory keys of 2.3 are normal draws, whose last bits
    // differ without AVX2.
    if (variant === '2.3' && !/AVX/.test(cpuCapability)) return
    expect(await weightsDigest(trainer, names.slice(13))).toBe(initial)
  })
})

describe('shapes', () => {
  test.each([
    { variant: '0.26', channels: 1, size: 24, dimMults: [1, 2, 3] },
    { variant: '2.3', channels: 4, size: 20, dimMults: [1, 3] },
    { variant: '0.26', channels: 3, size: 9, dimMults: [2] },
    { variant: '2.3', channels: 3, size: 8, dimMults: [1, 1, 1, 1], selfCondition: true },
  ] as const)('trains and draws at $size px, $channels channels, $dimMults', async (options) => {
    const trainer = await smallTrainer(addon, { ...options, dimMults: [...options.dimMults] }, 3)
    expect((await trainer.step(2)).loss!.every(Number.isFinite)).toBe(true)
    const sampler = await (await trainer.inferenceModel('ema')).sampler({
      seeds: [1, 2],
      steps: 2,
      sampler: 'ddim',
      eta: 0,
      batch: 2,
    })
    while (!(await sampler.step()));
    expect(await sampler.pixels()).toHaveLength(2 * options.size ** 2 * options.channels)
  })
})

test('describe lists each layer with its shape, and parameters that add up', async () => {
  const { layers, parameters, activationBytes } = await addon.describe(
    smallSpec({ dimMults: [1, 2], size: 16, dim: 8 }),
  )
  expect(layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters)
  expect(layers[0]).toEqual({ name: 'init_conv', operation: 'conv', shape: [8, 16, 16], parameters: 3 * 8 * 49 + 8 })
  expect(layers.at(-1)).toMatchObject({ name: 'final_conv', shape: [3, 16, 16] })
  expect(layers.filter((layer) => layer.operation === 'attention').map((layer) => layer.name)).toEqual([
    'downs.1.2',
    'mid_attn',
    'ups.0.2',
  ])
  expect(activationBytes).toBeGreaterThan(16 * 16 * 8 * 4 * 10)
})

test("the order of the pictures for seed 3407 is the DataLoader's", async () => {
  // 158 pictures after the initial draws of the 36M network of 0.26.4, as measured from PyTorch.
  const spec = smallSpec({
    variant: '0.26',
    dim: 64,
    dimMults: [1, 2, 4, 8],
    size: 8,
    batch: 1,
    emaDecay: null,
    timesteps: 1000,
  })
  const images = await addon.images(drawnPixels(158, 8, 3), [158, 8, 8, 3], 'cpu')
  const trainer = await addon.trainer(spec, images)
  await trainer.step(1)
  const int64 = async (name: string) => {
    const bytes = await trainer.tensor(name)
    return [...new BigInt64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))]
  }
  expect(await int64('progress.epoch_seed')).toEqual([3921089275341907646n])
  expect((await int64('progress.order')).slice(0, 8)).toEqual([10n, 138n, 56n, 81n, 145n, 49n, 43n, 76n])
  trainer.dispose()
})
