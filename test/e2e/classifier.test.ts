/** A classifier from pictures in folders to answers: training, its record, resuming, classifying, and what it refuses. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { evaluate, exportOnnx, exportWeights, load, type Model, type Status, train } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { flat } from '../helpers/pictures.ts'
import { errorOf, jsonIn, linesOf, newestOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const data = sharedFolder()
const runs = sharedFolder()

// Dark and light pictures, ten of each: two classes that any network tells apart.
beforeAll(async () => {
  for (const [kind, from] of [
    ['dark', 10],
    ['light', 180],
  ] as const) {
    mkdirSync(join(data, kind))
    for (let i = 0; i < 10; i++) {
      const grey = from + 6 * i
      await flat([grey, grey, grey], 16, 16)
        .png()
        .toFile(join(data, kind, `${i}.png`))
    }
  }
})

const options = {
  model: 'classifier',
  variant: 'mlp',
  units: 64,
  lr: 0.01,
  holdout: 4,
  logImages: 10,
  channels: 1,
} as const
let model: Model
const statuses: Status[] = []
beforeAll(async () => {
  const run = tinyRun(runs, data, { ...options, maxImages: 168, checkpointImages: 48 })
  for await (const status of run) statuses.push(status)
  model = await run
})

test('accuracies of both sides after each pass are in statuses, metrics and the log', () => {
  expect(statuses.at(-1)!.accuracy).toEqual({ train: 1, test: 1 })
  const measured = linesOf(model.run).filter((line) => 'trainAccuracy' in line)
  // 16 pictures to train on; the end lies within a pass.
  expect(measured.map(({ images }) => images)).toEqual([16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 168])
  expect(measured.at(-1)).toMatchObject({ trainAccuracy: 1, testAccuracy: 1, loss: expect.any(Number) })
  const images = linesOf(model.run).map((line) => line.images)
  expect(images).toEqual([...new Set(images)].sort((a, b) => a - b))
  expect(readFileSync(join(model.run, 'log.txt'), 'utf8')).toContain(
    'Accuracy at 160 images: 100.0 % of the pictures to train on, 100.0 % of those held out',
  )
})

test('its report counts what is taken for what, and names the worst pictures', () => {
  const record = jsonIn(model.run, 'accuracy.json')
  expect(record).toMatchObject({ images: 168, classes: ['dark', 'light'], letters: [] })
  expect(record.test.accuracy).toMatchObject({ value: 1, n: 4 })
  expect(record.train.confusion.flat().reduce((a: number, b: number) => a + b)).toBe(16)
  expect(record.worst).toHaveLength(4)
  const page = readFileSync(join(model.run, 'accuracy.html'), 'utf8')
  expect(page).toContain('data:image/png;base64,')
  expect(page).toContain(record.worst[0].path)
})

test('a run in two halves leaves the same weights and accuracies', async () => {
  const half = await tinyRun(runs, data, { ...options, maxImages: 64 })
  const whole = await train({ resume: half.run, maxImages: 168, allowChanges: ['maxImages'] } as never)
  const weights = (run: string) => readFileSync(join(newestOf(run), 'model.safetensors'))
  expect(weights(whole.run).equals(weights(model.run))).toBe(true)
  const accuracies = (run: string) =>
    linesOf(run).flatMap(({ images, trainAccuracy, testAccuracy, loss }) =>
      trainAccuracy === undefined ? [] : [[images, trainAccuracy, testAccuracy, loss]],
    )
  expect(accuracies(whole.run)).toEqual(accuracies(model.run))
  whole.dispose()
  half.dispose()
})

test('a loaded one says what pictures are, in the API and on the command line', async () => {
  const loaded = await load(model.run)
  const files = [join(data, 'dark', '0.png'), join(data, 'light', '9.png')]
  const found = await loaded.classify([...files, new Uint8Array(16 * 16).fill(20)])
  expect(found.map(({ label }) => label)).toEqual(['dark', 'light', 'dark'])
  for (const { label, probability, probabilities } of found) {
    expect(probabilities[label]).toBe(probability)
    expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6)
  }
  expect((await shinsaku('classify', model.run, ...files)).stdout).toMatch(
    /0\.png {2}dark {2}\d+\.\d%\n.*9\.png {2}light/,
  )
  const table = join(runs, 'labels.csv')
  const { code, stdout } = await shinsaku('classify', model.run, data, '-o', table, '--json')
  expect(code).toBe(0)
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))[0],
  ).toMatchObject({ file: 'dark/0.png', label: 'dark' })
  expect(readFileSync(table, 'utf8')).toMatch(/^file,class\ndark\/0\.png,dark\n/)
  // What it wrote are labels.
  const again = await tinyRun(runs, data, { ...options, labels: table, maxImages: 8 })
  expect((again.options.labels as { attributes: unknown[] }).attributes).toMatchObject([
    { name: 'class', values: ['dark', 'light'] },
  ])
  again.dispose()
  loaded.dispose()
})

test('train --json ends with the accuracies', async () => {
  const flags = ['--model', 'classifier', '--variant', 'mlp', '--units', '4', '--size', '16', '--max-images', '20']
  const { stdout } = await shinsaku('train', data, ...flags, '-o', runs, '--device', 'cpu', '--threads', '1', '--json')
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({
    run: expect.any(String),
    images: expect.any(Number),
    accuracy: { train: expect.any(Number), test: null },
  })
})

test('what needs pictures of it is refused, and nothing is written', async () => {
  const refused = { code: 'OPTION_INVALID', details: { problems: [{ path: 'model' }] } }
  expect(await errorOf(model.sample())).toMatchObject(refused)
  expect(await errorOf(model.walk({ seeds: [1, 2] }).save(join(runs, 'walk.webp')))).toMatchObject(refused)
  expect(await errorOf(evaluate(model.run))).toMatchObject(refused)
  expect(await errorOf(model.together({}))).toMatchObject(refused)
  expect(await errorOf(model.like(join(data, 'dark', '0.png')))).toMatchObject(refused)
  expect(await errorOf(exportOnnx(model.run, join(runs, 'a.onnx')))).toMatchObject({ code: 'ONNX_UNSUPPORTED' })
  for (const name of ['walk.webp', 'a.onnx', 'evaluation']) expect(existsSync(join(runs, name))).toBe(false)
  const file = join(runs, 'weights.safetensors')
  expect(await exportWeights(model.run, file)).toMatchObject({ weights: 'raw', tensors: 6 })
})

test('wrong pictures and models are refused', async () => {
  const code = (name: string) => ({ code: name })
  expect(await errorOf(model.classify('a.png' as never))).toMatchObject(code('OPTION_INVALID'))
  expect(await errorOf(model.classify([new Uint8Array(3)]))).toMatchObject(code('OPTION_INVALID'))
  expect(await errorOf(model.classify([join(data, 'none.png')]))).toMatchObject(code('FILE_FAILED'))
  expect(await errorOf(model.classify([join(model.run, 'config.json')]))).toMatchObject(code('IMAGE_UNREADABLE'))
  expect(await errorOf(model.classify([join(data, 'dark', '0.png')], { signal: AbortSignal.abort() }))).toMatchObject(
    code('ABORT_ERR'),
  )
  expect((await shinsaku('classify', model.run, data, '-o', 'labels.txt')).code).toBe(2)
  const generator = await tinyRun(runs, data, { model: 'dcgan', maxImages: 4, channels: 1 })
  expect(await errorOf(generator.classify([]))).toMatchObject(code('OPTION_INVALID'))
  generator.dispose()
})

test('pictures without a class end the start, before there is a folder', async () => {
  const bare = join(runs, 'pictures')
  mkdirSync(bare)
  await flat([1, 1, 1], 16, 16).png().toFile(join(bare, 'a.png'))
  await flat([9, 9, 9], 16, 16).png().toFile(join(bare, 'b.png'))
  const out = join(runs, 'bare')
  expect(await errorOf(tinyRun(out, bare, { ...options, holdout: 0 }))).toMatchObject({ code: 'LABELS_INVALID' })
  expect(existsSync(out)).toBe(false)
})
