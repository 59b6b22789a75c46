/** The backends on a GPU: the CUDA set beside the reference, and graphs beside what they recorded. */
import { describe, expect, test } from 'vitest'
import { resolveDevice } from '../../lib/backend/device.ts'
import { placeOn, toSpec } from '../../lib/backend/placement.ts'
import { agrees, type Backend, formatTrials, runTrials } from '../../lib/backend/trial.ts'
import type { NativeTrainer } from '../../lib/native/addon.ts'
import { loadNative } from '../../lib/native/load.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawnPixels } from '../helpers/specs.ts'

const missing = await resolveDevice('cuda').then(
  () => undefined,
  (error: Error) => error.message,
)
const { addon, pluginProblem } = await loadNative()
const reason = missing ?? pluginProblem ?? undefined
const precisions = ['fp32', 'tf32', 'bf16'] as const

const unet: AnyTrainOptions = { dim: 64, dimMults: [1, 2], size: 32, batch: 4, timesteps: 50 }
const networks: [string, AnyTrainOptions][] = [
  ['U-Net 2.3', unet],
  ['U-Net 2.3, accumulated', { ...unet, accumulate: 2 }],
  ['U-Net 0.26', { ...unet, variant: '0.26' }],
  ['DCGAN pytorch', { model: 'dcgan', size: 64, batch: 8 }],
  ['DCGAN chainer', { model: 'dcgan', variant: 'chainer', size: 96, batch: 8 }],
  ['DCGAN radford', { model: 'dcgan', variant: 'radford', size: 64, batch: 8 }],
]

/** A trainer over ten pictures, so that a batch of four leaves two for the last of an epoch. */
async function trainerOf(given: AnyTrainOptions, way: Backend): Promise<NativeTrainer> {
  const options = resolveTrain(given)
  const shape = [10, options.size, options.size, options.channels]
  const images = await addon.images(drawnPixels(10, options.size, options.channels), shape, 'cuda:0')
  const trainer = await addon.trainer({ ...toSpec(options, placeOn('cuda:0', options, [])), ...way }, images)
  images.dispose()
  return trainer
}

async function bytesOf(trainer: NativeTrainer): Promise<Map<string, Buffer>> {
  const all = new Map<string, Buffer>()
  for (const { name } of await trainer.tensors()) all.set(name, Buffer.from(await trainer.tensor(name)))
  return all
}

const differing = (a: Map<string, Buffer>, b: Map<string, Buffer>): string[] =>
  [...a.keys()].filter((name) => !a.get(name)!.equals(b.get(name)!))

describe.skipIf(reason !== undefined)(`backends${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test('tf32, U-Net 2.3 of 512 and 1024 channels: every way works and agrees with the reference', async () => {
    const options = resolveTrain({ ...unet, dimMults: [8, 16], size: 16, batch: 2 })
    const tried = await runTrials(addon, options, placeOn('cuda:0', options, []), true)
    expect(tried.filter((way) => !agrees(way))).toEqual([])
  })

  for (const precision of precisions) {
    test.each(networks)(`${precision}, %s: every way works and agrees with the reference`, async (name, given) => {
      const options = resolveTrain({ ...given, precision })
      const tried = await runTrials(addon, options, placeOn('cuda:0', options, []), true)
      console.log([`${precision}, ${name}`, ...formatTrials(tried)].join('\n  '))
      expect(tried.map(({ problem }) => problem)).toEqual([null, null, null, null])
      expect(tried.filter((way) => !agrees(way))).toEqual([])
    })
  }

  const deterministic = { ...unet, deterministic: true } as const
  test.each([
    ['cuda', deterministic],
    ['cuda', { ...deterministic, precision: 'bf16' }],
    ['cuda', { model: 'dcgan', size: 32, width: 16, batch: 4, deterministic: true }],
  ] as [string, AnyTrainOptions][])(
    '%s, deterministic: a graph does what it recorded, to the bit',
    async (ops, given) => {
      const trainers = [await trainerOf(given, { ops, graph: false }), await trainerOf(given, { ops, graph: true })]
      const [plain, graph] = [await trainers[0]!.step(18), await trainers[1]!.step(18)]
      expect(graph).toEqual(plain)
      expect(differing(await bytesOf(trainers[1]!), await bytesOf(trainers[0]!))).toEqual([])
      for (const trainer of trainers) trainer.dispose()
    },
  )

  test.each([
    ['U-Net, accumulated', { ...deterministic, accumulate: 2 }],
    ['DCGAN', { model: 'dcgan', size: 32, width: 16, batch: 4, deterministic: true }],
  ] as [string, AnyTrainOptions][])(
    '%s: rows read for each unit train as resident pictures do, in graphs too',
    async (_, given) => {
      const options = resolveTrain(given)
      const { size, channels } = options
      const pixels = drawnPixels(10, size, channels)
      const bytes = size * size * channels
      for (const graph of [false, true]) {
        const way = { ops: 'cuda', graph }
        const resident = await trainerOf(given, way)
        const images = await addon.images(null, [10, size, size, channels], 'cuda:0')
        const reading = await addon.trainer({ ...toSpec(options, placeOn('cuda:0', options, [])), ...way }, images)
        for (const updates of [1, 6, 11]) {
          const { indices } = await reading.plan(updates)
          const rows = Buffer.concat([...indices].map((i) => pixels.subarray(i * bytes, (i + 1) * bytes)))
          expect(await reading.step(updates, rows)).toEqual(await resident.step(updates))
        }
        expect(differing(await bytesOf(reading), await bytesOf(resident))).toEqual([])
        for (const trainer of [resident, reading]) trainer.dispose()
      }
    },
  )

  test('a run of graphs goes on from a checkpoint as if nothing had happened', async () => {
    const way = { ops: 'cuda', graph: true }
    const [whole, first, second] = [
      await trainerOf(deterministic, way),
      await trainerOf(deterministic, way),
      await trainerOf({ ...deterministic, seed: 9 }, way),
    ]
    await whole.step(20)
    await first.step(13)
    const infos = await first.tensors()
    const saved = await bytesOf(first)
    await second.step(5)
    await second.load(
      infos.map((info) => ({ ...info, bytes: saved.get(info.name)! })),
      'same',
    )
    await second.step(7)
    expect(differing(await bytesOf(second), await bytesOf(whole))).toEqual([])
    for (const trainer of [whole, first, second]) trainer.dispose()
  })

  /** What a trainer draws with its weights as they are, as float32. */
  async function draw(trainer: NativeTrainer, batch: number, sampler: string): Promise<Buffer> {
    const generator = await trainer.inferenceModel('raw')
    const values: Uint8Array[] = []
    for (const seeds of batch === 3 ? [[1, 2, 3]] : [[1], [2], [3]]) {
      const pictures = await generator.sampler({ seeds, batch, sampler, steps: 9, eta: 0 })
      while (!(await pictures.step())) {}
      values.push(await pictures.values())
      pictures.dispose()
    }
    generator.dispose()
    return Buffer.concat(values)
  }

  test.each(['ddim', 'unipc', 'ddpm'])(
    '%s: graphs draw what the same operations draw without, to the bit',
    async (sampler) => {
      const trainers = [
        await trainerOf(deterministic, { ops: 'cuda', graph: false }),
        await trainerOf(deterministic, { ops: 'cuda', graph: true }),
      ]
      const [plain, graph] = [await draw(trainers[0]!, 3, sampler), await draw(trainers[1]!, 3, sampler)]
      expect(graph.equals(plain)).toBe(true)
      for (const trainer of trainers) trainer.dispose()
    },
  )

  test('a generator drawn from while graphs are in use has the weights of that moment', async () => {
    const trainer = await trainerOf(unet, { ops: 'cuda', graph: true })
    await trainer.step(8)
    const before = await draw(trainer, 1, 'ddim')
    expect((await draw(trainer, 1, 'ddim')).equals(before)).toBe(true)
    await trainer.step(8)
    expect((await draw(trainer, 1, 'ddim')).equals(before)).toBe(false)
    trainer.dispose()
  })
})
