/** Exported networks, run without libtorch: in onnxruntime-node and onnxruntime-web, beside `sample()` from the same seeds. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as node from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import { exportOnnx, type Model, type OnnxOptions, type SampleOptions } from '../../lib/index.ts'
import { readMetadata } from '../../lib/onnx/browser/description.ts'
import { type OnnxRuntime, openSampler } from '../../lib/onnx/browser/sample.ts'
import { shinsaku } from '../helpers/cli.ts'
import { type AnyCall, errorOf, sharedFolder, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const shared = sharedFolder()
const data = usePictures(8)
const runtimes: Record<'node' | 'web', OnnxRuntime> = { node, web }

/** Greatest difference of two pictures, of 255. */
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), a.length === b.length ? 0 : 255)

let exports = 0
async function open(model: Model, options: OnnxOptions = {}, runtime: 'node' | 'web' = 'node') {
  const path = join(shared, `${exports++}.onnx`)
  const exported = await exportOnnx(model.run, path, { weights: 'raw', ...options })
  const bytes = readFileSync(path)
  expect(bytes.length).toBe(exported.bytes)
  const sampler = await openSampler(runtimes[runtime], bytes)
  expect(sampler.steps).toEqual(exported.steps)
  return { sampler, bytes }
}

/** How far the exported model's picture is from that of `sample()`. */
async function distance(model: Model, options: OnnxOptions, sample: SampleOptions, runtime: 'node' | 'web' = 'node') {
  const { sampler } = await open(model, options, runtime)
  const seed = 12
  const [expected] = await model.sample({ seed, weights: 'raw', ...sample } as SampleOptions)
  const picture = await sampler.sample({ seed })
  await sampler.dispose()
  expect([picture.size, picture.channels]).toEqual([expected!.size, expected!.channels])
  expect(new Set(expected!.pixels).size).toBeGreaterThan(20)
  return furthest(picture.pixels, expected!.pixels)
}

describe('networks', () => {
  test.each<[string, AnyCall]>([
    ['diffusion 2.3: memories, two kinds of attention, v', { dim: 8, dimMults: [1, 2] }],
    ['diffusion 0.26: group norms, cosine attention, noise', { variant: '0.26', dimMults: [1, 2] }],
    ['self-conditioning, x0, one channel', { selfCondition: true, objective: 'x0', channels: 1 }],
    ['trained with augmentation', { augment: 0.5 }],
    ['DCGAN', { model: 'dcgan' }],
    ['DCGAN, few latents', { model: 'dcgan', latent: 5 }],
    ['DCGAN of Chainer', { model: 'dcgan', variant: 'chainer', size: 96 }],
    ['DCGAN of the paper', { model: 'dcgan', variant: 'radford' }],
    ['StyleGAN2', { model: 'stylegan2', size: 32, channelBase: 256, channelMax: 8, latent: 16, batch: 4 }],
    ['PGAN', { model: 'pgan', size: 16, widths: [8, 8, 4], latent: 16, scaleImages: 4, fadeImages: 0, maxImages: 16 }],
  ])('%s', async (_, options) => {
    // Batch norms need some updates before their averages are those of a network that draws anything.
    const more = options.model === 'dcgan' ? { maxImages: 160, lr: 2e-3 } : { maxImages: 8 }
    const model = await tinyRun(shared, data, { emaDecay: null, ...more, ...options })
    expect(await distance(model, {}, {})).toBeLessThanOrEqual(1)
    model.dispose()
  })
})

describe('samplers, runtimes and files', () => {
  let model: Model
  beforeAll(async () => {
    model = await tinyRun(shared, data, { maxImages: 8, emaEvery: 1, emaDecay: 0.5 })
    return () => model.dispose()
  })

  test.each<[NonNullable<OnnxOptions['sampler']>, number, number]>([
    ['unipc', 7, 0],
    ['dpmpp-2m', 7, 0],
    ['dpmpp-3m', 15, 0],
    ['ipndm', 7, 0],
    ['ddim', 7, 0],
    ['ddim', 7, 1],
    ['ddpm', 20, 0],
  ])('%s, %i steps, eta %i', async (sampler, steps, eta) => {
    const sample = { sampler, steps, eta }
    expect(await distance(model, { sampler, eta, steps: [steps] }, sample)).toBeLessThanOrEqual(1)
  })

  test('onnxruntime-web gives the same', async () => {
    expect(await distance(model, {}, {}, 'web')).toBeLessThanOrEqual(1)
  })

  test('fp16 halves the weights and moves pixels little', async () => {
    const [whole, half] = [await open(model, { steps: [4] }), await open(model, { steps: [4], precision: 'fp16' })]
    expect(half.bytes.length).toBeLessThan(0.8 * whole.bytes.length)
    const [a, b] = [await whole.sampler.sample({ seed: 1 }), await half.sampler.sample({ seed: 1 })]
    expect(furthest(a.pixels, b.pixels)).toBeLessThanOrEqual(2)
  })

  test('the averaged weights are taken where they are asked for', async () => {
    const { sampler } = await open(model, { weights: 'ema', steps: [5] })
    const [expected] = await model.sample({ seed: 3, steps: 5, weights: 'ema' })
    expect(furthest((await sampler.sample({ seed: 3 })).pixels, expected!.pixels)).toBeLessThanOrEqual(1)
  })

  test('the usual steps come first, each can be chosen and is reported, and sampling can be aborted', async () => {
    const { sampler } = await open(model)
    expect(sampler.steps).toEqual([20, 8, 12])
    const seen: number[] = []
    const picture = await sampler.sample({
      seed: 2,
      steps: 8,
      onStep: ({ step, steps, picture }) => void seen.push(step, steps, picture().pixels.length),
    })
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8].flatMap((step) => [step, 8, picture.pixels.length]))
    const [expected] = await model.sample({ seed: 2, steps: 8, weights: 'raw' })
    expect(furthest(picture.pixels, expected!.pixels)).toBeLessThanOrEqual(1)
    await expect(sampler.sample({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(sampler.sample({ steps: 9 })).rejects.toThrow('one of 20, 8, 12')
    await expect(sampler.sample({ seed: -1 })).rejects.toThrow('seed must be an integer')
  })

  test('the file says how it was trained and where it comes from', async () => {
    const { bytes } = await open(model)
    const metadata = readMetadata(bytes)
    expect(JSON.parse(metadata.get('shinsaku')!)).toMatchObject({ images: 8, options: { dim: 8, model: 'diffusion' } })
    expect(JSON.parse(metadata.get('shinsaku')!).options.data).toBeUndefined()
    const { provenance } = JSON.parse(metadata.get('shinsaku.sampling')!)
    expect(provenance).toMatchObject({ generator: 'shinsaku', images: 8, weights: 'raw' })
    expect(provenance.checkpoint).toMatch(/^[0-9a-f]{16}$/)
  })

  test('batches of other sizes run: every row is a picture', async () => {
    const { bytes } = await open(model, { steps: [4] })
    const session = await node.InferenceSession.create(bytes)
    const values = Float32Array.from({ length: 2 * 3 * 16 * 16 }, (_, i) => Math.sin(i))
    const run = async (x: Float32Array, rows: number) => {
      const feeds = {
        x: new node.Tensor('float32', x, [rows, 3, 16, 16]),
        t: new node.Tensor('float32', new Float32Array(rows).fill(5), [rows]),
      }
      return (await session.run(feeds))[session.outputNames[0]!]!.data as Float32Array
    }
    const [both, second] = [await run(values, 2), await run(values.slice(768), 1)]
    expect(Math.max(...second.map((value, i) => Math.abs(value - both[768 + i]!)))).toBeLessThan(1e-4)
  })

  test('from the command line, with wrong flags named', async () => {
    const path = join(shared, 'cli.onnx')
    const done = await shinsaku('export', model.run, '--onnx', '-o', path, '--steps', '5,10', '--json')
    expect([done.code, JSON.parse(done.stdout).steps]).toEqual([0, [5, 10]])
    const mixed = await shinsaku('export', model.run, '--onnx', '--network', 'discriminator')
    expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining('--network: does not go with --onnx')])
    const missing = await shinsaku('export', model.run, '--precision', 'fp16')
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('add --onnx')])
  })

  test.each<[string, string, OnnxOptions, string]>([
    ['another extension', 'model.pb', {}, 'must end in .onnx'],
    ['more steps than the model has', 'a.onnx', { steps: [21] }, 'must be at most 20'],
    ['eta for a solver', 'a.onnx', { sampler: 'unipc', eta: 1 }, 'applies to sampler "ddim" only'],
    ['an unknown option', 'a.onnx', { opset: 17 } as never, 'opset'],
    ['no steps', 'a.onnx', { steps: [] }, 'steps'],
  ])('%s is refused before anything is written', async (_, name, options, message) => {
    const folder = join(shared, 'refused')
    mkdirSync(folder, { recursive: true })
    const error = await errorOf(exportOnnx(model.run, join(folder, name), options))
    expect([error.code, error.message]).toEqual(['OPTION_INVALID', expect.stringContaining(message)])
    expect(readdirSync(folder)).toEqual([])
  })

  test('a PGAN that still grows is refused, and says so', async () => {
    const growing = await tinyRun(shared, data, { model: 'pgan', maxImages: 4 })
    expect(await errorOf(exportOnnx(growing.run, join(shared, 'growing.onnx')))).toMatchObject({
      code: 'ONNX_UNSUPPORTED',
      message: expect.stringContaining('still growing: train on until the scale of 16 px is faded in'),
    })
    expect(existsSync(join(shared, 'growing.onnx'))).toBe(false)
    growing.dispose()
  })

  test('no run, no weights of that kind, no folder: coded errors, and nothing half-written', async () => {
    expect(await errorOf(exportOnnx(join(shared, 'nowhere'), 'a.onnx'))).toMatchObject({ code: 'RUN_NOT_FOUND' })
    const gan = await tinyRun(shared, data, { model: 'dcgan', maxImages: 4 })
    expect(await errorOf(exportOnnx(gan.run, 'a.onnx', { weights: 'ema' }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(exportOnnx(gan.run, 'a.onnx', { steps: [8] }))).toMatchObject({ code: 'OPTION_INVALID' })
    gan.dispose()
    const file = join(shared, 'file')
    writeFileSync(file, '')
    const inFile = join(file, 'a.onnx')
    expect(await errorOf(exportOnnx(model.run, inFile))).toMatchObject({ code: 'FILE_FAILED' })
    expect(existsSync('a.onnx')).toBe(false)
  })
})
