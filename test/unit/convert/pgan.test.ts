/** Files of pytorch_GAN_zoo: what is read off them in each form, what is refused, and where the published ones are. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ImportOptions, openImported } from '../../../lib/convert/import/open.ts'
import { hubFiles } from '../../../lib/convert/import/pgan-hub.ts'
import { load } from '../../../lib/index.ts'
import { shinsaku } from '../../helpers/cli.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'
import { call, fileOf, fixture, pickled, Raw, tensor, torchLegacy, torchZip } from '../../helpers/torch-files.ts'

const read = async (path: string, given: ImportOptions = {}) => {
  const { close, ...imported } = await openImported([path], given)
  await close()
  return imported
}

describe('what a file says', () => {
  test.each(['pgan-legacy', 'pgan-zip', 'pgan-fading'])('%s', async (name) => {
    const { options, tensors, notes, images } = await read(fileOf(fixture(name), 'x.pth'))
    expect(options).toMatchObject({
      model: 'pgan',
      size: 8,
      channels: 3,
      latent: 4,
      widths: [8, 4],
      minibatchStd: true,
      emaDecay: 0.999,
      lr: 0.001,
      gradientPenalty: 10,
      driftPenalty: 0.001,
    })
    const names = tensors.map((entry) => entry.name)
    expect(names.slice(0, 2)).toEqual(['generator.stage', 'generator.scaleLayers.0.0.module.weight'])
    for (const [prefix, count] of [
      ['generator.', 13],
      ['discriminator.', 14],
      ['ema.generator.', 13],
    ] as const)
      expect(names.filter((one) => one.startsWith(prefix))).toHaveLength(count)
    const fading = name === 'pgan-fading'
    const stage = await tensors[0]!.read()
    expect([...new Float32Array(stage.buffer, stage.byteOffset, 2)]).toEqual([1, fading ? 0.25 : 0])
    expect(notes.some((note) => note.includes('alpha is 0.25'))).toBe(fading)
    // By the zoo's schedule: 4 px, then as much of the fade as is done.
    expect(images).toBe(768_000 + 307_200 * (fading ? 0.75 : 1))
  })

  test('iterations in its name count as images at its last scale', async () => {
    expect((await read(fileOf(fixture('pgan-legacy'), 'tiny_s1_i5000.pth'))).images).toBe(768_000 + 5000 * 16)
  })

  test('what is given and differs is refused', async () => {
    const error = await errorOf(read(fileOf(fixture('pgan-zip')), { model: 'pgan', size: 16 }))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path: 'size' }] } })
  })
})

describe('the hash in a name', () => {
  const digits = createHash('sha256').update(fixture('pgan-legacy')).digest('hex').slice(0, 8)

  test('is that of the file', async () => {
    await expect(read(fileOf(fixture('pgan-legacy'), `tiny_s1_i80-${digits}.pth`))).resolves.toBeDefined()
  })

  test('is not, where a download was cut short or changed', async () => {
    const error = await errorOf(read(fileOf(fixture('pgan-legacy'), 'celebaHQ_s6_i80000-6196db68.pth')))
    expect(error).toMatchObject({ code: 'PYTORCH_INVALID', message: expect.stringContaining('begins with 6196db68') })
    expect(error.message).toContain(digits)
  })
})

test.each(Object.entries(hubFiles))(
  '%s, which is not there, is said where to get: by API and command line',
  async (name, file) => {
    const folder = temporaryFolder()
    for (const missing of [name, file]) {
      const error = await errorOf(read(join(folder, missing)))
      expect(error).toMatchObject({ code: 'FILE_FAILED', hint: expect.stringContaining(`gan_zoo/PGAN/${file}`) })
      await expect(load(join(folder, missing))).rejects.toMatchObject({ code: 'FILE_FAILED', hint: error.hint })
    }
    const { code, stderr } = await shinsaku('import', join(folder, name))
    expect(code).toBe(1)
    expect(stderr).toContain(`curl -O https://dl.fbaipublicfiles.com/gan_zoo/PGAN/${file}`)
  },
)

/** A file with these settings beside a generator of 8 px, latent 4 and widths 4, 4, of zeros. */
function fileWith(
  settings: Record<string, number | string | boolean | null>,
  change: (name: string) => string = (n) => n,
  form = torchZip,
) {
  const layers: [string, number[]][] = [
    ['scaleLayers.0.0', [4, 4, 3, 3]],
    ['scaleLayers.0.1', [4, 4, 3, 3]],
    ['toRGBLayers.0', [3, 4, 1, 1]],
    ['toRGBLayers.1', [3, 4, 1, 1]],
    ['formatLayer', [64, 4]],
    ['groupScale0.0', [4, 4, 3, 3]],
  ]
  const storages: Record<string, Uint8Array> = {}
  const entries = layers
    .flatMap(([name, shape]): [string, number[]][] => [
      [`${name}.module.weight`, shape],
      [`${name}.module.bias`, [shape[0]!]],
    ])
    .map(([name, shape], i) => {
      const elements = shape.reduce((product, side) => product * side, 1)
      storages[i] = new Uint8Array(elements * 4)
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1))
      return [change(name), tensor({ key: String(i), elements, shape, strides })] as const
    })
  const bare = new Raw('cmodels.utils.config\nBaseConfig\n)\x81', pickled(settings).subarray(2, -1), 'b')
  return fileOf(form(pickled({ config: bare, netG: new Map(entries) }), storages))
}

describe('settings', () => {
  test('that say nothing, and no discriminator, give a model that is sampled alone', async () => {
    for (const form of [torchZip, torchLegacy]) {
      const { options, notes } = await read(fileWith({}, undefined, form as typeof torchZip))
      expect(options).toMatchObject({ model: 'pgan', size: 8, widths: [4, 4], emaDecay: null })
      expect(notes.join()).toContain('There is no discriminator')
    }
  })

  test.each([
    ['perChannelNormalization', false],
    ['equalizedlR', false],
    ['leakyReluLeak', 0.1],
    ['categoryVectorDim', 10],
    ['lossCriterion', 'MSE'],
    ['latentVectorDim', 5],
  ])('%s %j is of a network that is not known here', async (name, value) => {
    const error = await errorOf(read(fileWith({ [name]: value })))
    expect(error).toMatchObject({
      code: 'IMPORT_UNSUPPORTED',
      message: expect.stringContaining(`${name} ${JSON.stringify(value)}`),
    })
  })

  test.each([
    ['alpha', 2],
    ['alpha', 'half'],
    ['lambdaGP', -1],
    ['learningRate', null],
  ])('%s %j is no such number', async (name, value) => {
    const error = await errorOf(read(fileWith({ [name]: value })))
    expect(error).toMatchObject({ code: 'IMPORT_UNSUPPORTED', message: expect.stringContaining(name) })
  })

  test('are filled in, never made of something, and give nothing else a name', async () => {
    const made = call('models.utils.config', 'BaseConfig', 1)
    await expect(read(fileOf(torchZip(pickled({ config: made }))))).rejects.toMatchObject({ code: 'PYTORCH_INVALID' })
    const other = call('models.utils.config', 'updateConfig')
    await expect(read(fileOf(torchZip(pickled({ config: other }))))).rejects.toMatchObject({ code: 'PICKLE_REFUSED' })
  })
})

test.each([
  ['formatLayer.module.bias', 'format.module.bias'],
  ['scaleLayers.0.1.module.weight', 'scaleLayers.0.7.module.weight'],
])('a generator without %s is refused by name', async (name, other) => {
  const error = await errorOf(read(fileWith({}, (one) => (one === name ? other : one))))
  expect(error).toMatchObject({
    code: 'IMPORT_UNSUPPORTED',
    message: expect.stringContaining(name.replace('.module', '')),
  })
})
