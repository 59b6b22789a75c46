/** What must hold on a GPU. Where there is none the tests are skipped, and the reason stands in their title. */
import { afterEach, describe, expect, test } from 'vitest'
import { resolveDevice } from '../../lib/backend/device.ts'
import { placeOn, toSpec } from '../../lib/backend/placement.ts'
import { load, type TrainCall, train } from '../../lib/index.ts'
import { loadNative } from '../../lib/native/load.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawnPixels } from '../helpers/specs.ts'

const missing = await resolveDevice('cuda').then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing !== undefined) console.log(`GPU tests skipped: ${missing}`)

const diffusion: TrainCall = { size: 16, dim: 8, dimMults: [1, 2], timesteps: 50, batch: 4 }
const dcgan: TrainCall = { model: 'dcgan', size: 32, width: 8, latent: 16, batch: 4 }

/** Metrics of the first `updates` updates over drawn pictures. */
async function metricsOn(place: 'cpu' | 'cuda:0', options: TrainCall, updates = 5) {
  const { addon } = await loadNative()
  const resolved = resolveTrain(options)
  const shape = [10, resolved.size, resolved.size, resolved.channels]
  const images = await addon.images(drawnPixels(10, resolved.size, resolved.channels), shape, place)
  const trainer = await addon.trainer(toSpec(resolved, placeOn(place, resolved, [])), images)
  const metrics = await trainer.step(updates)
  trainer.dispose()
  images.dispose()
  return metrics
}

test('without a GPU the reason is told; with one "auto" takes it', async () => {
  const { cudaProblem } = await loadNative()
  expect(await resolveDevice('auto')).toBe(missing === undefined ? 'cuda:0' : 'cpu')
  if (missing !== undefined) expect(missing).toContain(cudaProblem ?? 'libtorch finds no GPU')
})

describe.skipIf(missing !== undefined)(`on the GPU${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const models: { dispose(): void }[] = []
  afterEach(() => {
    for (const model of models.splice(0)) model.dispose()
  })

  test('"tf32" is what "auto" means', () => {
    const placed = (precision: 'auto' | 'tf32') =>
      placeOn('cuda:0', { precision, exact: false, threads: 1 }, ['cpu-avx2'])
    expect(placed('auto')).toEqual(placed('tf32'))
  })

  test.each([
    ['diffusion, 2.3', diffusion],
    ['diffusion, 0.26', { ...diffusion, variant: '0.26' } as TrainCall],
    ['dcgan', dcgan],
  ])('%s: two runs give the same losses in fp32 when exact', async (_, options) => {
    const exact = { ...options, precision: 'fp32', exact: true } as const
    expect(await metricsOn('cuda:0', exact)).toEqual(await metricsOn('cuda:0', exact))
  })

  test.each(['fp32', 'tf32', 'bf16'] as const)(
    '%s, deterministic: the same seed gives the same bytes',
    async (precision) => {
      for (const options of [diffusion, { ...diffusion, variant: '0.26' } as TrainCall, dcgan]) {
        const again = () => metricsOn('cuda:0', { ...options, precision, deterministic: true }, 20)
        expect(await again()).toEqual(await again())
      }
      const { numerics } = await (await loadNative()).addon.info()
      expect(numerics).toMatchObject({ deterministicAlgorithms: true, matmul: precision === 'tf32' ? 'tf32' : 'ieee' })
    },
  )

  test.each(['fp32', 'tf32', 'bf16'] as const)('%s: losses are finite', async (precision) => {
    for (const options of [diffusion, dcgan]) {
      for (const values of Object.values(await metricsOn('cuda:0', { ...options, precision })))
        expect(values.every(Number.isFinite)).toBe(true)
    }
  })

  test('a run trains, saves and draws; the file is read on the CPU and back', async () => {
    const out = temporaryFolder()
    const model = await train({
      ...diffusion,
      data: 'builtin:icons:10',
      device: 'cuda',
      maxImages: 40,
      out,
      previews: 2,
    })
    models.push(model)
    expect(model.device).toBe('cuda:0')
    const onGpu = await load(model.run, { device: 'cuda' })
    const onCpu = await load(model.run, { device: 'cpu' })
    models.push(onGpu, onCpu)
    const draw = async (from: typeof onGpu, count: number) =>
      (await from.sample({ count, steps: 10, seed: 5 })).pixels.subarray(0, 16 * 16 * 3)
    // Same seed, same picture, in any batch.
    expect(await draw(onGpu, 3)).toEqual(await draw(onGpu, 1))
    const [gpu, cpu] = [await draw(onGpu, 1), await draw(onCpu, 1)]
    const distance = gpu.reduce((sum, value, i) => sum + Math.abs(value - cpu[i]!), 0) / gpu.length
    // Noise is drawn on the CPU for both; arithmetic differs in its last bits, or by TF32.
    expect(distance).toBeLessThan(3)
  })

  test('memory that runs out is told, and the process goes on', async () => {
    const huge = { ...diffusion, size: 1024, batch: 4096 }
    await expect(metricsOn('cuda:0', huge, 1)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect((await metricsOn('cuda:0', diffusion, 1)).loss!.every(Number.isFinite)).toBe(true)
  })
})
