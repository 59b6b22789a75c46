import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { openImported } from '../../lib/convert/import/open.ts'
import {
  exportWeights,
  type ImportOptions,
  importCheckpoint,
  load,
  type Model,
  type SampleCall,
  train,
} from '../../lib/index.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { openSafetensors, writeSafetensors } from '../../lib/safetensors/safetensors.ts'
import { shinsaku } from '../helpers/cli.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { errorOf, linesOf, newestOf, sharedFolder, useOwnCache } from '../helpers/runs.ts'
import { fileOf, fixture } from '../helpers/torch-files.ts'

type Version = '0.26.4' | '2.3.4'
type Bits = {
  samples: Record<string, string>
  continued: { losses: number[]; weights: string; ema: string }
}

/** Written by test/golden/make/imported.py: what the packages draw from the fixtures, and how they train on. */
const golden = JSON.parse(readFileSync(new URL('../golden/imported.json', import.meta.url), 'utf8')) as {
  diffusion: Record<Version, { weights: string }>
  made: (Made & { diffusion: Record<Version, Bits>; dcgan: { sample: string } })[]
}
const { cpuCapability } = await (await loadAddon()).info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

const [SIZE, COUNT] = [16, 10]
const { threads } = bits.cpu
const cases = [
  ['0.26.4', { objective: 'x0', loss: 'l1' }],
  ['2.3.4', {}],
] as const
const common: ImportOptions = {
  size: SIZE,
  batch: 4,
  accumulate: 2,
  device: 'cpu',
  threads,
  exact: true,
  logImages: 1,
  previews: 0,
}

useOwnCache()
const data = join(sharedFolder(), 'data')
beforeAll(async () => {
  mkdirSync(data)
  const bytes = SIZE * SIZE * 3
  for (let n = 0; n < COUNT; n++) {
    const pixels = new Uint8Array(bytes).map((_, i) => Math.imul(n * bytes + i, 2654435761) >>> 24)
    await sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 3 } })
      .png()
      .toFile(join(data, `${n}.png`))
  }
})

/** The picture is the package's to the bit on the processors of the golden file, and all but the same elsewhere. */
async function expectPicture(model: Model, call: SampleCall, expected: string): Promise<void> {
  const { pixels } = await model.sample({ seed: 11, ...call })
  const wanted = Buffer.from(expected, 'base64')
  expect(pixels).toHaveLength(wanted.length)
  if (exact) expect(Buffer.from(pixels).equals(wanted), JSON.stringify(call)).toBe(true)
  const difference = pixels.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]!), 0) / pixels.length
  expect(difference).toBeLessThan(2)
  expect(new Set(pixels).size).toBeGreaterThan(20)
}

/** SHA-256 of the tensors whose names begin with `prefix`, in their order. */
async function digest(run: string, prefix: string): Promise<string> {
  const reader = await openSafetensors(join(newestOf(run), 'model.safetensors'))
  const hash = createHash('sha256')
  for (const { name } of reader.tensors) if (name.startsWith(prefix)) hash.update(await reader.read(name))
  await reader.close()
  return hash.digest('hex')
}

describe.each(cases)('a checkpoint of denoising-diffusion-pytorch %s', (version, given) => {
  const { weights } = golden.diffusion[version]
  const { samples, continued } = bits.diffusion[version]
  const options: ImportOptions = { ...common, ...given }
  const checkpoint = () => fileOf(fixture(`ddpm-${version}.pt`), 'model-1.pt')

  test(`gives the pictures of the package ${promise}, loaded and imported; the export gives them again`, async () => {
    const path = checkpoint()
    const { run } = await importCheckpoint(path, { ...options, out: temporaryFolder() })
    expect(await digest(run, 'model.')).toBe(weights)
    const exported = join(temporaryFolder(), 'model.safetensors')
    expect(await exportWeights(run, exported)).toMatchObject({ weights: 'ema' })
    for (const place of [path, run, exported]) {
      const model = await load(place, place === run ? { device: 'cpu', threads } : options)
      for (const [how, expected] of Object.entries(samples)) {
        const [sampler, steps = 30, eta = 0] = how.split(' ')
        await expectPicture(model, { sampler: sampler as 'ddpm', steps: Number(steps), eta: Number(eta) }, expected)
      }
      model.dispose()
    }
  })

  test(`trains on as the package does, ${promise}`, async () => {
    const { run, images } = await importCheckpoint(checkpoint(), { ...options, out: temporaryFolder() })
    expect(images).toBe(24)
    const missing = await errorOf(train({ resume: run, maxImages: 52 }))
    expect(missing).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('data: must be given') })
    const told: string[] = []
    const model = await train({ resume: run, data, maxImages: 52, onLog: (line) => told.push(line) })
    expect(told.join('\n')).toMatch(/generators begin anew[\s\S]*order of the pictures begins anew/)
    expect([existsSync(join(run, 'dataset.json')), existsSync(join(run, 'reals.png'))]).toEqual([true, true])
    const losses = linesOf(run).map(({ loss }) => loss as number)
    expect(linesOf(run).map(({ images, updates }) => [images, updates])).toEqual([
      [32, 4],
      [38, 5],
      [44, 6],
      [52, 7],
    ])
    const worst = Math.max(...continued.losses.map((loss, i) => Math.abs(loss - losses[i]!) / loss))
    expect(worst).toBeLessThan(exact ? 1e-12 : 2e-2)
    if (exact) {
      expect(await digest(run, 'model.')).toBe(continued.weights)
      expect(await digest(run, 'ema.model.')).toBe(continued.ema)
    }
    // From here on it is a run as any other: the same pictures are asked for, and the position is known.
    const other = await errorOf(train({ resume: run, data: 'builtin:icons:4', maxImages: 60 }))
    expect(other.code).toBe('RESUME_MISMATCH')
    expect((await train({ resume: model.run, data, maxImages: 60 })).images).toBeGreaterThanOrEqual(60)
  })
})

describe('on the command line', () => {
  test('a file is drawn from with what it does not say, and gives the pictures of load()', async () => {
    const path = fileOf(fixture('ddpm-0.26.4.pt'), 'model-1.pt')
    const folder = temporaryFolder()
    const said = [
      '--size',
      String(SIZE),
      '--objective',
      'x0',
      '--exact',
      '--device',
      'cpu',
      '--threads',
      String(threads),
    ]
    const { code, stderr } = await shinsaku('sample', path, '-o', folder, ...said, '--sampler', 'ddpm', '--seed', '11')
    expect(code, stderr).toBe(0)
    const [file] = readdirSync(folder)
    const { data: pixels } = await sharp(join(folder, file!)).raw().toBuffer({ resolveWithObject: true })
    const model = await load(path, { ...common, objective: 'x0' })
    await expectPicture(model, { sampler: 'ddpm' }, bits.diffusion['0.26.4'].samples.ddpm!)
    const drawn = await model.sample({ seed: 11, sampler: 'ddpm' })
    expect(Buffer.from(drawn.pixels).equals(pixels)).toBe(true)
    model.dispose()
  })

  test('a file that says otherwise, and a run, which says all itself: OPTION_INVALID', async () => {
    const path = fileOf(fixture('ddpm-2.3.4.pt'), 'model-1.pt')
    const { run } = await importCheckpoint(path, { ...common, out: temporaryFolder() })
    for (const [place, flag, value] of [
      [path, '--objective', 'x0'],
      [run, '--size', '16'],
    ] as const) {
      const { code, stderr } = await shinsaku('sample', place, flag, value, '--device', 'cpu')
      expect([code, stderr]).toEqual([2, expect.stringContaining(flag.slice(2))])
    }
  })
})

describe('the networks of the DCGAN example', () => {
  test.each(['', '.legacy'])('netG.pth%s gives the picture of the example', async (suffix) => {
    const model = await load(fileOf(fixture(`netG.pth${suffix}`), 'netG.pth'), { device: 'cpu', threads, exact: true })
    await expectPicture(model, { batchNorm: 'running' }, bits.dcgan.sample)
    expect(model).toMatchObject({ images: 0, options: { size: 64, latent: 12 } })
    model.dispose()
  })

  test('train on with and without a discriminator, and are exported under their own names', async () => {
    const [g, d] = ['netG.pth', 'netD.pth'].map((name) => fileOf(fixture(name), name)) as [string, string]
    for (const files of [[g], [g, d]]) {
      const { run } = await importCheckpoint(files, { ...common, size: 64, accumulate: 1, out: temporaryFolder() })
      const target = join(temporaryFolder(), 'd.safetensors')
      const before = exportWeights(run, target, { network: 'discriminator' })
      if (files.length === 1) expect(await errorOf(before)).toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
      else expect(await before).toMatchObject({ weights: 'raw', tensors: 20 })
      const told: string[] = []
      const model = await train({ resume: run, data, maxImages: 8, onLog: (line) => told.push(line) })
      expect(model.images).toBe(8)
      expect(told.join('\n').includes('The discriminator begins anew.')).toBe(files.length === 1)
      const exported = await exportWeights(run, join(run, 'g.safetensors'))
      const reader = await openSafetensors(exported.path)
      expect(reader.tensors.map(({ name }) => name)).toContain('main.1.running_mean')
      await reader.close()
    }
  })
})

describe('weights that are NaN or infinite', () => {
  const notFinite = (tensor: string) => ({
    code: 'WEIGHTS_NOT_FINITE',
    message: expect.stringMatching(new RegExp(`x\\.(pt|safetensors).*tensor "${tensor}"`)),
    details: { tensor },
  })

  /** The tensors of a fixture, with the first element of one made into `value`. */
  async function spoiled(name: string, tensor: string, value: number): Promise<string> {
    const { tensors, close } = await openImported([fileOf(fixture(name))], {})
    const path = join(temporaryFolder(), 'x.safetensors')
    const entries = new Map(tensors.map((entry) => [entry.name.replace('generator.', ''), entry]))
    const infos = [...entries].map(([own, { dtype, shape }]) => ({ name: own, dtype, shape: [...shape] }))
    await writeSafetensors(path, infos, async (own) => {
      const bytes = Uint8Array.from(await entries.get(own)!.read())
      if (own === tensor) new DataView(bytes.buffer).setFloat32(0, value, true)
      return bytes
    })
    await close()
    return path
  }

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s in a safetensors file is not sampled with', async (value) => {
    const model = await load(await spoiled('netG.pth', 'main.4.bias', value), { device: 'cpu', threads: 1 })
    await expect(model.sample({ count: 1 }).then(() => 'sampled')).rejects.toMatchObject(
      notFinite('generator.main.4.bias'),
    )
  })

  test('NaN in a file of torch.save is not sampled with, on the command line either', async () => {
    const bytes = fixture('netG.pth.legacy')
    // The form before 1.6 ends with the last layer's weights, and has no checksum.
    bytes.writeFloatLE(Number.NaN, bytes.length - 4)
    const path = fileOf(bytes)
    const model = await load(path, { device: 'cpu', threads: 1 })
    await expect(model.sample({ count: 1 }).then(() => 'sampled')).rejects.toMatchObject({ code: 'WEIGHTS_NOT_FINITE' })
    const out = join(temporaryFolder(), 'grid.png')
    const { code, stderr } = await shinsaku('sample', path, '--device', 'cpu', '-n', '1', '-o', out)
    expect(code).toBe(1)
    expect(stderr).toContain('WEIGHTS_NOT_FINITE')
    expect(existsSync(out)).toBe(false)
  })
})

describe('export', () => {
  test('refuses what it cannot do, and writes nothing', async () => {
    const { run } = await importCheckpoint(fileOf(fixture('ddpm-2.3.4.pt')), { ...common, out: temporaryFolder() })
    const target = join(temporaryFolder(), 'x.safetensors')
    expect((await errorOf(exportWeights(run, 'x.pt'))).code).toBe('OPTION_INVALID')
    expect((await errorOf(exportWeights(run, target, { weights: 'both' as 'ema' }))).code).toBe('OPTION_INVALID')
    expect((await errorOf(exportWeights(run, target, { network: 'generator' }))).code).toBe('OPTION_INVALID')
    expect((await errorOf(exportWeights(join(run, 'none'), target))).code).toBe('RUN_NOT_FOUND')
    expect((await errorOf(exportWeights(run, join(run, 'none', 'x.safetensors')))).code).toBe('FILE_FAILED')
    expect(existsSync(target)).toBe(false)
    expect(await exportWeights(run, target, { weights: 'raw' })).toMatchObject({ weights: 'raw' })
    await rm(target)
  })

  test('a weight that was cut short is not drawn with', async () => {
    const bytes = fixture('netG.pth')
    expect((await errorOf(load(fileOf(bytes.subarray(0, -30)), { device: 'cpu' }))).code).toBe('PYTORCH_INVALID')
  })
})
