import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon } from '../../lib/native/addon.ts'
import { loadAddon, loadNative } from '../../lib/native/load.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const methodsOf = (handle: object) =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(handle))
    .filter((name) => name !== 'constructor')
    .sort()

/** Names declared in an interface of lib/native/addon.ts. */
function declared(name: string): string[] {
  const read = (file: string) => readFileSync(new URL(`../../lib/native/${file}`, import.meta.url), 'utf8')
  const body = (read('addon.ts') + read('evaluate.ts')).match(
    new RegExp(`interface ${name}[^{]*\\{([\\s\\S]*?)\\n\\}`),
  )![1]!
  return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]!).sort()
}

describe('surface', () => {
  test('is what lib/native/addon.ts declares', async () => {
    const { raw } = await loadNative()
    const images = await raw.images(drawnPixels(2, 16, 3), [2, 16, 16, 3], 'cpu')
    const trainer = await raw.trainer(smallSpec({ batch: 2 }), images)
    const generator = await trainer.inferenceModel('raw')
    const sampler = await generator.sampler({ seeds: [1], steps: 2, sampler: 'ddim', eta: 0, batch: 1 })
    const index = await raw.pixelIndex(drawnPixels(2, 16, 3), [2, 16, 16, 3], 1)
    expect(Object.keys(raw).sort()).toEqual([...declared('Addon'), ...declared('NativeEvaluate')].sort())
    expect(methodsOf(index)).toEqual(declared('NativePixelIndex'))
    const features = await raw.features(2, 10, 1)
    await features.append(Float32Array.of(1, 2, 3, 4))
    expect(methodsOf(features)).toEqual(declared('NativeFeatures'))
    expect(methodsOf(await raw.patches({ perPicture: 1, seed: 1 }, 1))).toEqual(declared('NativePatches'))
    expect(methodsOf(await raw.frechetDistance(features, features, 1))).toEqual(declared('NativeMeasure'))
    const at = { host: '127.0.0.1', port: 0, listen: '127.0.0.1', address: '127.0.0.1', agentStore: false, prefix: '' }
    const group = await raw.processGroup({ ...at, rank: 0, size: 1, timeout: 5, joinTimeout: 5 })
    expect(methodsOf(group)).toEqual(declared('NativeProcessGroup'))
    group.dispose()
    expect(methodsOf(images)).toEqual(declared('NativeImages'))
    expect(methodsOf(trainer)).toEqual(declared('NativeTrainer'))
    expect(methodsOf(generator)).toEqual(declared('NativeInferenceModel'))
    expect(methodsOf(sampler)).toEqual(declared('NativeSampler'))
  })

  test('info names the build, the processor and the threads', async () => {
    const info = await addon.info()
    expect(info.builtFor).toMatch(/^2\.\d+\.\d+/)
    expect(info.cpuCapability).toMatch(/AVX|DEFAULT|SVE/)
    expect(info.threads).toBeGreaterThan(0)
    expect(info.cudaDevices).toBeGreaterThanOrEqual(0)
  })

  test('each unit sets its own threads, whatever was made or sampled since; they have no default', async () => {
    const shape = [2, 16, 16, 3]
    const [one, two] = [await smallTrainer(addon, { threads: 1 }), await smallTrainer(addon, { threads: 2 })]
    const model = await two.inferenceModel('raw')
    const features = await addon.features(2, 10, 2)
    await features.append(Float32Array.of(1, 2, 3, 4))
    const patches = await addon.patches({ perPicture: 1, seed: 1 }, 2)
    const index = await addon.pixelIndex(drawnPixels(2, 16, 3), shape, 2)
    const distance = await addon.frechetDistance(features, features, 2)
    const nearest = { k: 1, metric: 'l1', mirrored: false } as const
    const sampler = await model.sampler({ seeds: [1], steps: 3, sampler: 'ddim', eta: 0, batch: 1 })
    for (const [unit, threads] of [
      [() => one.step(1), 1],
      [() => sampler.step(), 2],
      [() => one.step(1), 1],
      [() => features.statistics(), 2],
      [() => one.step(1), 1],
      [() => features.append(Float32Array.of(1, 2)), 2],
      [() => one.step(1), 1],
      [() => patches.append(drawnPixels(2, 16, 3), shape), 2],
      [() => one.step(1), 1],
      [() => index.nearest(drawnPixels(2, 16, 3), shape, nearest), 2],
      [() => one.step(1), 1],
      [() => distance.step(), 2],
      [() => one.step(1), 1],
      [() => two.step(1), 2],
    ] as const) {
      await unit()
      expect((await addon.info()).threads).toBe(threads)
    }
    for (const threads of [0, -1])
      await expect(async () => (await addon.features(2, 10, threads)).statistics()).rejects.toMatchObject({
        code: 'NATIVE_FAILED',
      })
    await expect(addon.inferenceModel({ ...smallSpec({}), threads: 0 }, [])).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
    })
  })
})

describe('errors', () => {
  test('pictures that do not fit their shape: SHAPE_INVALID', async () => {
    await expect(addon.images(new Uint8Array(10), [1, 2, 2, 3], 'cpu')).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringMatching(/1x2x2x3.*10 bytes/),
    })
    const images = await addon.images(drawnPixels(1, 32, 3), [1, 32, 32, 3], 'cpu')
    await expect(addon.trainer(smallSpec({}), images)).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringMatching(/32x32/),
    })
  })

  test('memory that runs out: OUT_OF_MEMORY, and the process stays usable', async () => {
    const images = await addon.images(drawnPixels(1, 16, 3), [1, 16, 16, 3], 'cpu')
    const spec = { ...smallSpec({}), dim: 1024, dimMults: [64, 64] }
    await expect(addon.trainer(spec, images)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/lower batch/),
    })
    const trainer = await smallTrainer(addon, {})
    expect((await trainer.step(1)).loss).toHaveLength(1)
  })

  test('an option the recipe needs and does not get names itself', async () => {
    const images = await addon.images(drawnPixels(1, 16, 3), [1, 16, 16, 3], 'cpu')
    const { dim: _, ...rest } = smallSpec({})
    await expect(addon.trainer(rest, images)).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringMatching(/"dim" is missing/),
    })
    await expect(addon.trainer({ ...rest, dim: 'x' }, images)).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringMatching(/"dim" must be a number/),
    })
  })

  test('a call after dispose: DISPOSED; dispose twice is harmless', async () => {
    const trainer = await smallTrainer(addon, {})
    const running = trainer.step(1)
    trainer.dispose()
    trainer.dispose()
    expect((await running).loss).toHaveLength(1)
    await expect(async () => trainer.step(1)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  test('a loss that is not a number: LOSS_NOT_FINITE', async () => {
    const trainer = await smallTrainer(addon, {})
    const name = 'model.final_conv.bias'
    const bytes = new Uint8Array(new Float32Array([Number.NaN, 0, 0]).buffer)
    await trainer.load([{ name, dtype: 'F32', shape: [3], bytes }], 'same')
    await expect(trainer.step(2)).rejects.toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(/update 1 of 2/),
    })
  })

  test('tensors that do not belong: CHECKPOINT_MISMATCH and SHAPE_INVALID name the tensor', async () => {
    const trainer = await smallTrainer(addon, {})
    const load = (name: string, shape: number[], bytes: number) =>
      trainer.load([{ name, dtype: 'F32', shape, bytes: new Uint8Array(bytes) }], 'same')
    await expect(load('model.other', [3], 12)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/model\.other/),
    })
    await expect(load('model.final_conv.bias', [4], 16)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/model\.final_conv\.bias/),
    })
    await expect(load('model.final_conv.bias', [3], 11)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(load('model.final_conv.bias', [2 ** 40, 2 ** 40], 12)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(trainer.tensor('nothing')).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/nothing/),
    })
  })

  test('values of a wrong JavaScript type are refused, not crashed on', async () => {
    const wrong = addon as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    for (const args of [
      [],
      [null, null],
      ['x', [1]],
      [new Uint8Array(3), 'shape', 'cpu'],
      [new Float32Array(3), [1, 1, 1, 3], 'cpu'],
    ]) {
      await expect(async () => wrong.images!(...args)).rejects.toThrow()
    }
    for (const args of [[], [{}, {}], [{ a: () => 0 }, {}], [null, null]]) {
      await expect(async () => wrong.trainer!(...args)).rejects.toThrow()
    }
    await expect(async () => wrong.inferenceModel!({}, [{ name: 1 }])).rejects.toThrow(/expected text/)
    await expect(addon.inferenceModel({ model: 'nothing' }, [])).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: expect.stringMatching(/unknown model/),
    })
  })
})

describe('state', () => {
  test.each(['diffusion', 'dcgan'] as const)(
    '%s: 3 + 3 updates through tensors() and load() equal 6 at once, byte for byte',
    async (model) => {
      const options = { model, batch: 4, accumulate: 2 }
      const straight = await smallTrainer(addon, options)
      const first = await smallTrainer(addon, options)
      await straight.step(6)
      await first.step(2)
      await first.step(1)
      const saved = []
      for (const info of await first.tensors()) saved.push({ ...info, bytes: await first.tensor(info.name) })
      const second = await smallTrainer(addon, { ...options })
      await second.step(1)
      await second.load(saved, 'same')
      const metrics = await second.step(3)
      expect(metrics.images).toEqual(expect.arrayContaining([expect.any(Number)]))
      for (const { name } of await straight.tensors()) {
        expect(Buffer.compare(await straight.tensor(name), await second.tensor(name)), name).toBe(0)
      }
    },
  )

  test('calls run in the order they were made', async () => {
    const trainer = await smallTrainer(addon, {})
    const units = await Promise.all([1, 2, 3].map((n) => trainer.step(n)))
    expect(units.flatMap((unit) => unit.images!)).toEqual([4, 8, 10, 14, 18, 20])
    expect(units.flatMap((unit) => unit.epoch!)).toEqual([0, 0, 0, 1, 1, 1])
  })
})
