import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { type ImportOptions, openImported } from '../../../lib/convert/import/open.ts'
import { numbersOf, readAs } from '../../../lib/convert/import/state.ts'
import { p2WeightingOf, scheduleOf, weightingOf } from '../../../lib/convert/import/tables.ts'
import { expectedDiffusion, type UnetShape } from '../../../lib/convert/import/unet.ts'
import { importCheckpoint } from '../../../lib/convert/import.ts'
import { writeSafetensors } from '../../../lib/safetensors/safetensors.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { fileOf, fixture, pickled, Raw, type Sides, stateFile, tensor, torchZip } from '../../helpers/torch-files.ts'

const unsupported = (...texts: (string | RegExp)[]) => ({
  code: 'IMPORT_UNSUPPORTED',
  message: expect.stringMatching(
    texts
      .map((text) => (typeof text === 'string' ? text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : text.source))
      .join('[\\s\\S]*'),
  ),
})

async function open(paths: string | string[], options: ImportOptions = {}) {
  const imported = await openImported([paths].flat(), options)
  await imported.close()
  return imported
}

const modern: UnetShape = { variant: '2.3', dim: 8, dimMults: [1, 1], channels: 3, selfCondition: false }

const unetFile = (change: (tensors: { name: string; shape: readonly number[] }[]) => Sides) =>
  stateFile(change(expectedDiffusion(modern, 30).map(({ name, shape }) => ({ name, shape }))))

describe('the U-Nets', () => {
  test.each([
    ['0.26.4_1-2-4-8', '0.26', [1, 2, 4, 8]],
    ['0.26.4_1-4-16', '0.26', [1, 4, 16]],
    ['2.3.1_1-2-4-8', '2.3', [1, 2, 4, 8]],
    ['2.3.1_1-4-16', '2.3', [1, 4, 16]],
  ] as const)('%s has the names, shapes and order of the package', (name, variant, dimMults) => {
    const listed = readFileSync(new URL(`../../fixtures/keys/ddpm-${name}.txt`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
    const shape = { variant, dim: 64, dimMults: [...dimMults], channels: 3, selfCondition: false }
    const lines = expectedDiffusion(shape, 1000).map(
      (entry) => `${entry.name} (${entry.shape.join(', ')}${entry.shape.length === 1 ? ',' : ''})`,
    )
    expect(lines).toEqual(listed)
  })
})

describe('an optimizer that is not Adam as it is here', () => {
  const group = new Raw(pickled({ lr: 1e-4, eps: 1e-8, weight_decay: 0.01 }).subarray(2, -1))
  const trainer = () =>
    stateFile(
      expectedDiffusion(modern, 30).map(({ name, shape }) => ({ name, shape })),
      (model) => ({ step: 7, model, opt: { state: {}, param_groups: [group] } }),
    )
  const given = { size: 16, schedule: 'cosine', objective: 'v' } as const

  test('is refused where training is to go on, with what differs', async () => {
    await expect(openImported([trainer()], given)).rejects.toMatchObject(unsupported('weight_decay 0.01, but only 0'))
  })

  test('does not matter where pictures are to be sampled', async () => {
    const { tensors, updates, close } = await openImported([trainer()], given, 'sample')
    await close()
    expect(updates).toBe(7)
    expect(tensors.some(({ name }) => name.startsWith('optimizer.'))).toBe(false)
  })
})

describe('checkpoints that the packages saved', () => {
  const given = { size: 16, batch: 4, accumulate: 2 } as const

  test('0.26.4: shape, tables, Adam, average and step are read; the rest is assumed and said', async () => {
    const { options, notes, images, updates, tensors } = await open(fileOf(fixture('ddpm-0.26.4.pt')), given)
    expect(options).toMatchObject({
      model: 'diffusion',
      variant: '0.26',
      dim: 8,
      dimMults: [1],
      channels: 3,
      selfCondition: false,
    })
    expect(options).toMatchObject({
      schedule: 'cosine',
      timesteps: 30,
      lossWeight: 'p2',
      p2Gamma: 1,
      p2K: 1,
      lr: 1e-3,
      betas: [0.9, 0.99],
    })
    expect({ images, updates }).toEqual({ images: 24, updates: 3 })
    expect(notes.join('\n')).toMatch(
      /0\.22 to 0\.26\.4[\s\S]*default is taken: objective "noise"[\s\S]*3 updates count as 24 images/,
    )
    expect(tensors.filter(({ name }) => name.startsWith('optimizer.exp_avg.'))).toHaveLength(
      tensors.filter(({ name }) => name.startsWith('model.')).length,
    )
  })

  test('2.3.4: the objective and its clamp are read off the table of weights', async () => {
    const { options, notes, images } = await open(fileOf(fixture('ddpm-2.3.4.pt')), { ...given, images: 77 })
    expect(options).toMatchObject({
      variant: '2.3',
      dim: 8,
      dimMults: [1, 1],
      schedule: 'sigmoid',
      timesteps: 30,
      clipGradNorm: 1,
    })
    expect(options).toMatchObject({ objective: 'v', lossWeight: 'min-snr', minSnrGamma: 5, loss: 'l2' })
    expect(images).toBe(77)
    expect(notes.join('\n')).toContain('Saved by denoising-diffusion-pytorch 2.3.4.')
  })

  test('what is given must not contradict the file; settings may', async () => {
    const path = fileOf(fixture('ddpm-2.3.4.pt'))
    await expect(open(path, { dim: 16, objective: 'noise' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/dim: is 8 in the file, but 16 was given[\s\S]*objective: is "v" in the file/),
    })
    await expect(open(path, { data: 'x' } as ImportOptions)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(open(path, { size: 33, dimm: 1 } as ImportOptions)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(open(path, { images: -1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect((await open(path, { lr: 0.5, size: 16 })).options.lr).toBe(0.5)
  })

  test.each(['', '.legacy'])('DCGAN%s: netG alone, and both in any order', async (suffix) => {
    const [g, d] = ['netG.pth', 'netD.pth'].map((name) => fileOf(fixture(name + suffix), name)) as [string, string]
    const alone = await open(g)
    expect(alone.options).toMatchObject({
      model: 'dcgan',
      variant: 'pytorch',
      size: 64,
      width: 2,
      latent: 12,
      channels: 3,
      emaDecay: null,
    })
    expect(alone.notes.join('\n')).toContain('no discriminator')
    for (const files of [
      [g, d],
      [d, g],
    ]) {
      const { tensors } = await open(files)
      expect(tensors.filter(({ name }) => name.startsWith('discriminator.')).length).toBeGreaterThan(15)
    }
    await expect(open(d)).rejects.toMatchObject(unsupported('0 generators and 1 discriminators'))
    await expect(open([g, g])).rejects.toMatchObject(unsupported('2 generators'))
    await expect(open([fileOf(fixture('ddpm-2.3.4.pt')), g])).rejects.toMatchObject(unsupported('one file'))
  })

  test('zip and legacy form hold the same bytes', async () => {
    const bytes = async (name: string) => {
      const { tensors, close } = await openImported([fileOf(fixture(name))], {})
      const all = await Promise.all(tensors.map((entry) => entry.read()))
      await close()
      return Buffer.concat(all).toString('hex')
    }
    expect(await bytes('netG.pth.legacy')).toBe(await bytes('netG.pth'))
  })

  test('a safetensors file of the same names is read as well', async () => {
    const { tensors, close } = await openImported([fileOf(fixture('netG.pth'))], {})
    const names = new Map(tensors.map((entry) => [entry.name.replace('generator.', ''), entry]))
    const path = join(temporaryFolder(), 'g.safetensors')
    const infos = [...names].map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] }))
    await writeSafetensors(path, infos, (name) => names.get(name)!.read())
    await close()
    expect((await open(path)).options).toMatchObject({ model: 'dcgan', size: 64, width: 2 })
  })
})

describe('what is not known is refused with what was expected and what came', () => {
  test.each<[string, () => string, (string | RegExp)[]]>([
    [
      'a missing tensor',
      () => unetFile((all) => all.filter(({ name }) => name !== 'model.ups.0.2.mem_kv')),
      ['missing: model.ups.0.2.mem_kv [2, 4, 4, 32]'],
    ],
    [
      'a tensor too many',
      () => unetFile((all) => [...all, { name: 'model.extra', shape: [1] }]),
      ['not known: model.extra'],
    ],
    [
      'another shape',
      () =>
        unetFile((all) =>
          all.map((t) => (t.name.endsWith('mid_attn.to_qkv.weight') ? { ...t, shape: [96, 8, 1, 1] } : t)),
        ),
      ['model.mid_attn.to_qkv.weight is F32 [384, 8, 1, 1] there, but F32 [96, 8, 1, 1] came'],
    ],
    [
      'a U-Net without its tables',
      () => unetFile((all) => all.filter(({ name }) => name.startsWith('model.'))),
      ['no tensor betas', 'GaussianDiffusion'],
    ],
    [
      'a U-Net of 0.26.5',
      () =>
        unetFile((all) => all.map((t) => ({ ...t, name: t.name.replace('downs.0.2.mem_kv', 'downs.0.2.fn.norm.g') }))),
      ['0.26.5 to 1.8'],
    ],
    [
      'a U-Net of 1.9',
      () =>
        unetFile((all) =>
          all.map((t) => ({ ...t, name: t.name.replace('downs.0.0.block1.norm.g', 'downs.0.0.block1.norm.weight') })),
        ),
      ['1.9'],
    ],
    [
      'learned variance',
      () =>
        unetFile((all) => all.map((t) => (t.name === 'model.final_conv.weight' ? { ...t, shape: [6, 8, 1, 1] } : t))),
      ['3 channels in and 6 out'],
    ],
    [
      'random features',
      () => unetFile((all) => [...all, { name: 'model.time_mlp.0.weights', shape: [4] }]),
      ['Fourier'],
    ],
    ['betas of no schedule', () => unetFile((all) => all), ['no known schedule', 'Give schedule']],
    [
      'another network',
      () =>
        stateFile([
          { name: 'conv1.weight', shape: [2] },
          { name: 'fc.bias', shape: [3] },
        ]),
      ['Expected', 'Came: tensors (conv1.weight, fc.bias)'],
    ],
    ['no tensors', () => fileOf(torchZip(pickled({ epoch: 3, note: 'x' }), {})), ['Came: "epoch", "note"']],
    ['a list', () => fileOf(torchZip(pickled([1]), {})), ['a list of 1', 'dictionary of tensors']],
    [
      'a DCGAN of another size',
      () =>
        stateFile([
          { name: 'main.0.weight', shape: [8, 4, 5, 5] },
          { name: 'main.1.weight', shape: [4] },
          { name: 'main.6.weight', shape: [4, 3, 4, 4] },
        ]),
      ['smallest map is 5'],
    ],
  ])('%s', async (_, make, texts) => {
    await expect(open(make())).rejects.toMatchObject({ ...unsupported(...texts), code: 'IMPORT_UNSUPPORTED' })
  })

  test('betas of no schedule are kept under a name that is given', async () => {
    const { options, notes } = await open(
      unetFile((all) => all),
      { schedule: 'linear', objective: 'noise', size: 16 },
    )
    expect(options.schedule).toBe('linear')
    expect(notes.join('\n')).toContain('a name only')
  })

  test('tensors that share their elements', async () => {
    const all = expectedDiffusion(modern, 30)
    const most = Math.max(...all.map(({ shape }) => shape.reduce((product, side) => product * side, 1)))
    const entries = all.flatMap(({ name, shape }) => {
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1))
      return [pickled(name).subarray(2, -1), tensor({ elements: most, shape: [...shape], strides }).bytes]
    })
    const file = fileOf(torchZip(pickled(new Raw('}(', ...entries, 'u')), { 0: new Uint8Array(most * 4) }))
    await expect(open(file, { schedule: 'linear', size: 16 })).rejects.toMatchObject(
      unsupported('share their elements'),
    )
  })
})

describe('tables over time', () => {
  const abar = Array.from({ length: 50 }, (_, t) => 0.99 - 0.0196 * t)
  const snr = abar.map((value) => value / (1 - value))

  test.each([
    ['v', 'none', (ratio: number) => ratio / (ratio + 1)],
    ['noise', 'none', () => 1],
    ['x0', 'none', (ratio: number) => ratio],
    ['v', 'min-snr', (ratio: number) => Math.min(ratio, 5) / (ratio + 1)],
    ['noise', 'min-snr', (ratio: number) => Math.min(ratio, 5) / ratio],
    ['x0', 'min-snr', (ratio: number) => Math.min(ratio, 5)],
  ] as const)('weights of %s, %s', (objective, lossWeight, of) => {
    const found = weightingOf(snr.map(of), snr)
    expect(found).toEqual({ objective, lossWeight, ...(lossWeight === 'min-snr' ? { minSnrGamma: 5 } : {}) })
  })

  test('others are none of them', () => {
    expect(
      weightingOf(
        snr.map((_, t) => t + 1),
        snr,
      ),
    ).toBeUndefined()
    expect(
      p2WeightingOf(
        snr.map((_, t) => t + 1),
        snr,
      ),
    ).toBeUndefined()
    expect(
      p2WeightingOf(
        snr.map((ratio) => (1 + ratio) ** -0.5),
        snr,
      ),
    ).toEqual({ lossWeight: 'p2', p2Gamma: 0.5, p2K: 1 })
    expect(scheduleOf(snr)).toBeUndefined()
  })

  test('half and double precision become single, exactly where they can', async () => {
    const stored = (dtype: string, bytes: Uint8Array) => ({ dtype, shape: [bytes.length], read: async () => bytes })
    const single = async (dtype: string, bytes: Uint8Array) =>
      numbersOf('F32', await readAs(stored(dtype, bytes), 'F32'))
    const half = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000).buffer)
    expect(await single('F16', half)).toEqual([1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0])
    expect(await single('BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x7f80).buffer))).toEqual([
      1,
      -2,
      Number.POSITIVE_INFINITY,
    ])
    expect(await single('F64', new Uint8Array(Float64Array.of(0.5, -3).buffer))).toEqual([0.5, -3])
  })
})

describe('importCheckpoint', () => {
  test('writes a run folder with a complete checkpoint, and says what it did', async () => {
    const out = temporaryFolder()
    const told: string[] = []
    const path = fileOf(fixture('ddpm-2.3.4.pt'), 'model-10.pt')
    const { run, images } = await importCheckpoint(path, { out, size: 16, batch: 4, onLog: (line) => told.push(line) })
    expect({ run, images }).toEqual({ run: join(out, '00000-diffusion-16-model-10'), images: 12 })
    expect(readdirSync(run).sort()).toEqual(['checkpoints', 'config.json', 'imported.json', 'log.txt'])
    expect((await newestValidCheckpoint(run)).manifest.images).toBe(12)
    expect(JSON.parse(readFileSync(join(run, 'imported.json'), 'utf8')).files).toEqual([
      { name: 'model-10.pt', bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ])
    expect(told.join('\n')).toMatch(/seed 3407/)
    expect(readFileSync(join(run, 'log.txt'), 'utf8').split('\n')).toHaveLength(told.length + 1)
  })

  test('leaves nothing behind where it fails, at opening or in the middle', async () => {
    const out = join(temporaryFolder(), 'runs')
    await expect(importCheckpoint('none.pt', { out })).rejects.toMatchObject({ code: 'FILE_FAILED' })
    const bytes = fixture('ddpm-2.3.4.pt')
    // Within the elements of the last weights, whose checksum is looked at when they are read.
    const place = bytes.lastIndexOf(Buffer.from('/data/9')) + 4000
    bytes[place]! ^= 1
    await expect(importCheckpoint(fileOf(bytes), { out, size: 16 })).rejects.toMatchObject({ code: 'PYTORCH_INVALID' })
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([])
  })

  test('R37 refuses a weight that is NaN, by name and element, and leaves nothing behind', async () => {
    const out = join(temporaryFolder(), 'runs')
    const { tensors, close } = await openImported([fileOf(fixture('ddpm-2.3.4.pt'))], { size: 16 })
    const weights = new Map(
      tensors.filter(({ name }) => !/^(ema|optimizer)\./.test(name)).map((entry) => [entry.name, entry]),
    )
    const path = join(temporaryFolder(), 'bad.safetensors')
    const infos = [...weights.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] }))
    await writeSafetensors(path, infos, async (name) => {
      const bytes = Buffer.from(await weights.get(name)!.read())
      if (name === 'model.final_conv.bias') bytes.writeFloatLE(Number.NaN, 8)
      return bytes
    })
    await close()
    await expect(importCheckpoint(path, { out, size: 16 })).rejects.toMatchObject({
      code: 'WEIGHTS_NOT_FINITE',
      message: expect.stringContaining('element 2 of tensor "model.final_conv.bias"'),
      details: { tensor: 'model.final_conv.bias', element: 2 },
    })
    expect(readdirSync(out)).toEqual([])
  })

  test.each([[[]], [['a', 'b', 'c']], [''], [7]])('of %j is OPTION_INVALID', async (files) => {
    await expect(importCheckpoint(files as string)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a text file is refused', async () => {
    const path = join(temporaryFolder(), 'x.pt')
    writeFileSync(path, 'hello')
    await expect(importCheckpoint(path)).rejects.toMatchObject({ code: 'PYTORCH_INVALID' })
  })
})
