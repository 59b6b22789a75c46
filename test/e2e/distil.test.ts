/** Distilling end to end: its stages are runs that sample, resume to the byte, and refuse what they cannot do. */
import { cp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type DistilCall, distil, exportOnnx, load, train } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { sharedFolder, tinyRun, useOwnCache, usePictures } from '../helpers/runs.ts'

useOwnCache()
const data = usePictures(6)
const shared = sharedFolder()
let teacher: string

const network = { size: 8, timesteps: 64 }
const quick: DistilCall = { stageImages: 12, previews: 0, guard: false, threads: 1, device: 'cpu' }

beforeAll(async () => {
  const run = tinyRun(join(shared, 'teachers'), data, { ...network, maxImages: 24 })
  ;(await run).dispose()
  teacher = run.folder!
})

const weightsOf = async (run: string) => {
  const model = await load(run, { device: 'cpu' })
  const { weightsSha256 } = await model.describe()
  const { images, options } = model
  model.dispose()
  return { weightsSha256, images, options }
}

test('each stage is a run of its own, taught by the one before; the last one is resolved with', async () => {
  const out = join(shared, 'stages')
  const lines: string[] = []
  const call = { ...quick, steps: 8, out, onLog: (line: string) => lines.push(line) } as const
  const distillation = distil(teacher, call)
  const seen = new Set<string>()
  for await (const { steps, stage, stages } of distillation) seen.add(`${steps}: ${stage} of ${stages}`)
  const model = await distillation
  expect([...seen]).toEqual(['16: 1 of 2', '8: 2 of 2'])
  expect(distillation.folders.map((folder) => basename(folder))).toEqual([
    '00000-diffusion-8-data-16-steps',
    '00001-diffusion-8-data-8-steps',
  ])
  expect(model.options).toMatchObject({ distilSteps: 8, teacher: { run: distillation.folders[0], steps: 16 } })
  expect(lines.find((line) => line.startsWith('Learns from'))).toContain(`${teacher} after 24 images`)

  const [picture] = await model.sample({ seed: 5 })
  expect(picture!.provenance).toMatchObject({ sampler: 'ddim', steps: 8 })
  await expect(model.sample({ steps: 20 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await expect(model.like({ pixels: picture!.pixels })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  model.dispose()

  const file = join(shared, 'eight.onnx')
  await exportOnnx(distillation.folders[1]!, file)
  expect((await readFile(file)).length).toBeGreaterThan(1000)

  // Again: nothing is left to do, and the same model is there.
  const again = distil(teacher, { ...call, resume: true })
  ;(await again).dispose()
  expect(again.folders).toEqual(distillation.folders)
  expect(lines.filter((line) => line.includes('done before'))).toHaveLength(2)
  expect(await readdir(out)).toHaveLength(2)
}, 60_000)

test('a stage that was stopped goes on to the byte, without its teacher', async () => {
  const out = join(shared, 'whole')
  const whole = distil(teacher, { ...quick, steps: 16, out })
  ;(await whole).dispose()
  const parted = join(shared, 'parted')
  const copy = join(shared, 'copied-teacher')
  await cp(teacher, copy, { recursive: true })
  const first = distil(copy, { ...quick, steps: 16, out: parted })
  for await (const { images } of first) if (images > 0) break
  ;(await first.stop()).dispose()
  await rename(copy, `${copy}-moved`)
  // Wherever it was stopped, what is left is trained from the checkpoint.
  const resumed = train({ resume: first.folders[0]!, data, device: 'cpu', threads: 1 })
  ;(await resumed).dispose()
  const [a, b] = [await weightsOf(whole.folders[0]!), await weightsOf(first.folders[0]!)]
  expect(b.images).toBe(a.images)
  expect(b.weightsSha256).toBe(a.weightsSha256)
  await rm(`${copy}-moved`, { recursive: true })
}, 60_000)

test('a narrower student begins with weights of its own', async () => {
  const lines: string[] = []
  const onLog = (line: string) => lines.push(line)
  const student = distil(teacher, { ...quick, steps: 16, dim: 16, out: join(shared, 'narrow'), onLog })
  const model = await student
  expect(model.options).toMatchObject({ dim: 16, teacher: { dim: 8 } })
  expect(lines.find((line) => line.startsWith('Learns from'))).toContain('weights of its own')
  model.dispose()
}, 60_000)

describe('wrong input', () => {
  const wrong: [string, () => string, DistilCall, string][] = [
    ['a run that is not there', () => join(shared, 'nowhere'), {}, 'RUN_NOT_FOUND'],
    ['steps that no stage has', () => teacher, { steps: 3 as 4 }, 'OPTION_INVALID'],
    ['no such option', () => teacher, { step: 4 } as DistilCall, 'OPTION_INVALID'],
    ['a checkpoint that is not there', () => teacher, { at: 7 }, 'OPTION_INVALID'],
    ['a signal that has aborted', () => teacher, { signal: AbortSignal.abort() }, 'ABORT_ERR'],
  ]
  test.each(wrong)('%s', async (_, run, call, code) => {
    const out = join(temporaryFolder(), 'runs')
    await expect(distil(run(), { ...quick, out, ...call })).rejects.toMatchObject({ code })
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a teacher that is another network, or none of diffusion', async () => {
    const out = join(temporaryFolder(), 'runs')
    const other = tinyRun(out, data, { ...network, size: 16, teacher, distilSteps: 4 })
    await expect(other).rejects.toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('size') })
    const gan = tinyRun(join(shared, 'gans'), data, { model: 'dcgan', maxImages: 4 })
    ;(await gan).dispose()
    await expect(distil(gan.folder!, { ...quick, out })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  }, 60_000)
})
