/** Runs with labels: what is on record of them, sampling by them, resuming, and labels for a run that had none. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as onnxruntime from 'onnxruntime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { exportOnnx, exportWeights, load, type Model, train } from '../../lib/index.ts'
import { openSampler } from '../../lib/onnx/browser/sample.ts'

import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawFaces } from '../helpers/pictures.ts'
import { type AnyCall, errorOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const data = sharedFolder()
const unsorted = sharedFolder()
const runs = sharedFolder()
beforeAll(async () => {
  await drawFaces(unsorted, 12, 16)
  for (const [index, name] of readdirSync(unsorted).sort().entries()) {
    const folder = join(data, index % 2 === 0 ? 'even' : 'odd')
    mkdirSync(folder, { recursive: true })
    cpSync(join(unsorted, name), join(folder, name))
  }
})

const jsonOf = (run: string, file: string) => JSON.parse(readFileSync(join(run, file), 'utf8'))
const logOf = (run: string) => readFileSync(join(run, 'log.txt'), 'utf8')

describe('a run with labels', () => {
  let model: Model
  let run: string
  beforeAll(async () => {
    model = await tinyRun(runs, data, { labels: 'folders', holdout: 2, maxImages: 40 })
    run = model.run
  })

  test('has them on record: the vocabulary in its options, those of each picture in dataset.json', async () => {
    const { attributes } = jsonOf(run, 'config.json').options.labels
    expect(attributes).toMatchObject([{ name: 'class', kind: 'class', values: ['even', 'odd'] }])
    const { files, heldOut, labelsDigest } = jsonOf(run, 'dataset.json')
    expect(attributes[0].counts[0] + attributes[0].counts[1]).toBe(files.length)
    for (const { path, labels } of [...files, ...heldOut]) expect(labels).toEqual({ class: path.split('/')[0] })
    expect(labelsDigest).toMatch(/^[0-9a-f]{64}$/)
    expect(logOf(run)).toMatch(/Labels: class: (even|odd) \d, (even|odd) \d/)
    expect((await shinsaku('describe', run)).stdout).toMatch(/labels +folders/)
  })

  test('samples what is asked for, and says so in the file', async () => {
    const call = { count: 2, steps: 2, batch: 2 }
    const [even, any] = [await model.sample({ ...call, label: 'even', guidance: 2 }), await model.sample(call)]
    expect(even.pixels).not.toEqual(any.pixels)
    expect(await model.sample({ ...call, prompt: 'even', guidance: 2 })).toMatchObject({ pixels: even.pixels })
    const { labels, guidance } = even.provenance
    expect({ labels, guidance }).toEqual({ labels: { class: 'even' }, guidance: 2 })
    expect(Object.keys(any.provenance)).not.toContain('guidance')
    expect((await errorOf(Promise.resolve(model.sample({ label: 'evem' })))).message).toMatch(/did you mean "even"/)
    const out = join(temporaryFolder(), 'one')
    const { code, stderr } = await shinsaku('sample', run, '-o', out, '--attributes', 'class=odd', '--steps', '2')
    expect([code, stderr]).toEqual([0, expect.stringContaining('Sampled 1')])
  })

  test('goes on with its own labels only', async () => {
    const resumed = await train({ resume: run, maxImages: 60 })
    expect(resumed.options.labels).toEqual(model.options.labels)
    for (const labels of [null, 'captions'])
      expect(await errorOf(train({ resume: run, labels, allowChanges: ['labels'] }))).toMatchObject({
        code: 'RESUME_MISMATCH',
        message: expect.stringMatching(/labels of its own \(class\)/),
      })
  })

  test('is exported with them, and without the folder they were in', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await exportWeights(run, path)
    expect(readFileSync(path).includes('label_emb.weight')).toBe(true)
    const exported = await load(path)
    expect(exported.options.labels).toEqual(model.options.labels)
    const call = { label: 'odd', steps: 2 }
    expect((await exported.sample(call)).pixels).toEqual(
      (await (await load(run)).sample({ ...call, weights: 'ema' })).pixels,
    )
  })
})

describe.each<AnyCall>([{ model: 'stylegan2' }, { model: 'dcgan' }, { model: 'dcgan', variant: 'chainer' }])(
  'a GAN with labels: %o',
  (options) => {
    test('samples what is asked for, goes on, and is exported with them', async () => {
      const model = await tinyRun(temporaryFolder(), data, { ...options, size: 32, labels: 'folders', maxImages: 24 })
      const call = { seed: 3, weights: 'raw' } as const
      const pixelsOf = async (label: string | null) => Buffer.from((await model.sample({ ...call, label })).pixels)
      const [even, odd, any] = [await pixelsOf('even'), await pixelsOf('odd'), await pixelsOf(null)]
      expect([even.equals(odd), even.equals(any), odd.equals(any)]).toEqual([false, false, false])
      expect((await model.sample({ ...call, label: 'odd' })).provenance.labels).toEqual({ class: 'odd' })
      expect((await errorOf(model.sample({ label: 'evem' }))).message).toMatch(/did you mean "even"/)
      const { run } = model
      await exportOnnx(run, join(run, 'a.onnx'), { weights: 'raw' })
      const sampler = await openSampler(onnxruntime, readFileSync(join(run, 'a.onnx')))
      const exported = (await sampler.sample({ seed: 3, labels: { class: 'odd' } })).pixels
      expect(Math.max(...exported.map((value, i) => Math.abs(value - odd[i]!)))).toBeLessThanOrEqual(1)
      for (const labels of [{ class: 'evem' }, { kind: 'even' }])
        await expect(sampler.sample({ labels })).rejects.toThrow(/must be one of even, odd|it knows: class/)
      await sampler.dispose()
      const path = join(temporaryFolder(), 'a.safetensors')
      await exportWeights(run, path, { weights: 'raw' })
      expect((await (await load(path)).sample({ seed: 3, label: 'even' })).pixels).toEqual(new Uint8Array(even))
      expect((await train({ resume: run, maxImages: 32 })).options.labels).toEqual(model.options.labels)
    })
  },
)

describe('labels that a GAN cannot have', () => {
  test.each<[AnyCall, RegExp]>([
    [{ model: 'pgan' }, /model "pgan" learns no labels/],
    [{ model: 'dcgan', variant: 'radford' }, /need variant "pytorch" or "chainer"/],
    [{ model: 'stylegan2', labelDropout: 0 }, /labelDropout/],
  ])('%o', async (options, message) => {
    const error = await errorOf(tinyRun(temporaryFolder(), data, { ...options, labels: 'folders' }))
    expect([error.code, error.message]).toEqual(['OPTION_INVALID', expect.stringMatching(message)])
  })

  test('some later, for networks that are others with them', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { model: 'stylegan2', maxImages: 4 })
    const call = { resume: run, labels: 'folders', allowChanges: ['labels'], maxImages: 8 }
    expect(await errorOf(train(call))).toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringMatching(/learned without labels, and the networks of model "stylegan2" are others/),
    })
  })
})

test('a table that changes is other labels; one that has moved is not', async () => {
  const folder = temporaryFolder()
  const pictures = readdirSync(unsorted)
  const table = (name: string, age: (i: number) => number) => {
    const path = join(folder, name)
    writeFileSync(path, `file,age\n${pictures.map((file, i) => `${file},${age(i)}`).join('\n')}\n`)
    return path
  }
  const labels = table('a.csv', (i) => i)
  const { run } = await tinyRun(temporaryFolder(), unsorted, { labels, maxImages: 12 })
  renameSync(labels, join(folder, 'b.csv'))
  expect(await errorOf(train({ resume: run, maxImages: 24 }))).toMatchObject({ code: 'LABELS_INVALID' })
  await train({ resume: run, labels: join(folder, 'b.csv'), maxImages: 24 })
  const changed = table('c.csv', (i) => 11 - i)
  expect(await errorOf(train({ resume: run, labels: changed, maxImages: 36 }))).toMatchObject({
    code: 'RESUME_MISMATCH',
    message: expect.stringMatching(/with other labels$/),
  })
})

test('a run without labels may be given some: it goes on as it was until it has learned them', async () => {
  const before = await tinyRun(temporaryFolder(), data, { maxImages: 24 })
  const pixels = (await before.sample({ steps: 2 })).pixels
  expect((await errorOf(Promise.resolve(before.sample({ label: 'even' })))).message).toMatch(/learned with labels/)
  const { run } = before
  expect(await errorOf(train({ resume: run, labels: 'folders' }))).toMatchObject({ code: 'RESUME_MISMATCH' })
  // A checkpoint from before knows none, and is sampled as it was.
  const same = await train({ resume: run, labels: 'folders', allowChanges: ['labels'], maxImages: 24 })
  expect((await same.sample({ steps: 2 })).pixels).toEqual(pixels)
  expect((await errorOf(Promise.resolve(same.sample({ label: 'even' })))).message).toMatch(/learned with labels/)
  expect(logOf(run)).toContain('The network is told of labels from here on')
  const after = await train({ resume: run, maxImages: 60 })
  const [even, odd] = await Promise.all(
    ['even', 'odd'].map((label) => after.sample({ steps: 2, label, weights: 'raw' })),
  )
  expect(even!.pixels).not.toEqual(odd!.pixels)
})

test('bad labels end the command before a run is made', async () => {
  const out = temporaryFolder()
  const { code, stderr } = await shinsaku('train', unsorted, '--labels', 'captions', '-o', out)
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/\[LABELS_INVALID\][\s\S]*12 of 12 pictures have no caption/),
  ])
  expect(readdirSync(out)).toEqual([])
})
