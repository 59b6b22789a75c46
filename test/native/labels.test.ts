/** Networks that are told of labels: their state and bits, label dropout, guidance, and rows of another width. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeInferenceModel, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { encodeAll, encodeLabels, type LabelSet } from '../../lib/options/labels.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawnPixels, smallSpec } from '../helpers/specs.ts'

const labels: LabelSet = {
  from: 'folders',
  attributes: [
    { name: 'class', kind: 'class', values: ['a', 'b'], counts: [5, 5] },
    { name: 'age', kind: 'number', min: 0, max: 10, count: 10 },
  ],
}
const known = Array.from({ length: 10 }, (_, i) => ({ labels: { class: i % 2 === 0 ? 'a' : 'b', age: i } }))

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

async function trainer(over: AnyTrainOptions = {}, rows?: Float32Array, cpuOps: string[] = []): Promise<NativeTrainer> {
  const spec = smallSpec({ emaDecay: null, ...over }, cpuOps)
  return addon.trainer(spec, await addon.images(drawnPixels(10, 16, 3), [10, 16, 16, 3], 'cpu', rows))
}

const labelled = (over: AnyTrainOptions = {}, cpuOps: string[] = []) =>
  trainer({ labels, ...over }, encodeAll(labels, known), cpuOps)

const floats = (bytes: Uint8Array) => new Float32Array(Uint8Array.from(bytes).buffer)

async function sample(model: NativeInferenceModel, args: Spec = {}): Promise<Float32Array> {
  const sampler = await model.sampler({ sampler: 'ddim', steps: 4, eta: 0, seeds: [1, 2], batch: 2, ...args })
  while (!(await sampler.step()));
  const values = floats(await sampler.values())
  sampler.dispose()
  return values
}

const guided = { guidance: 1, guidanceRescale: 0, guidanceInterval: [0, 1], guidanceProjection: false }
const asFor = (name: string) => ({ ...guided, labels: encodeLabels(labels, { class: name }) })

const apart = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

describe('the network', () => {
  test('has one matrix more, of 0, and all else as without labels, to the bit', async () => {
    const [plain, told] = [await trainer(), await labelled()]
    const names = async (one: NativeTrainer) => (await one.tensors()).map(({ name }) => name)
    const more = (await names(told)).filter((name) => name.startsWith('model.label_emb'))
    expect(more).toEqual(['model.label_emb.weight'])
    // Three columns of labels, and whether each of two attributes is unknown.
    expect((await told.tensors()).find(({ name }) => name === more[0])!.shape).toEqual([32, 5])
    expect(floats(await told.tensor(more[0]!)).every((value) => value === 0)).toBe(true)
    for (const name of (await names(plain)).filter((one) => one.startsWith('model.')))
      expect(Buffer.from(await told.tensor(name)).equals(await plain.tensor(name))).toBe(true)
    // Hidden or not, what is 0 changes nothing yet.
    const [first] = (await plain.step(1)).loss!
    expect((await told.step(1)).loss![0]).toBe(first)
  })

  test('learns them, resumes to the bit, and plans what it draws', async () => {
    const whole = await labelled()
    const parts = await labelled()
    const planned = [...(await whole.plan(6)).indices]
    await parts.step(3)
    const rest = await labelled({ seed: 5 })
    for (const { name, ...info } of await parts.tensors())
      await rest.load([{ name, ...info, bytes: await parts.tensor(name) }], 'same')
    const { loss } = await whole.step(6)
    expect((await rest.step(3)).loss).toEqual(loss!.slice(3))
    expect(planned).toHaveLength(4 + 4 + 2 + 4 + 4 + 2)
    expect(floats(await whole.tensor('model.label_emb.weight')).some((value) => value !== 0)).toBe(true)
  })

  test.each(['labelDropout', 'seed'] as const)('another %s hides others', async (name) => {
    const [one, other] = [await labelled(), await labelled({ [name]: name === 'seed' ? 5 : 0.9 })]
    expect((await one.step(3)).loss).not.toEqual((await other.step(3)).loss)
  })

  test('rows of another width, and none, are refused', async () => {
    const few = await trainer({ labels }, new Float32Array(10 * 4))
    await expect(few.step(1)).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringContaining('rows of 4 labels, but the network needs 5'),
    })
    await expect((await trainer({ labels })).step(1)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
  })

  test("the processor's own operations compute the same", async () => {
    const { cpuOps } = await addon.info()
    const [own, reference] = [await labelled({}, cpuOps), await labelled()]
    const losses = async (one: NativeTrainer) => (await one.step(4)).loss!
    const [a, b] = [await losses(own), await losses(reference)]
    expect(Math.max(...a.map((loss, i) => Math.abs(loss - b[i]!) / b[i]!))).toBeLessThan(1e-3)
  })
})

describe('samples', () => {
  let model: NativeInferenceModel
  beforeAll(async () => {
    const trained = await labelled({ lr: 0.02, labelDropout: 0.3 })
    await trained.step(30)
    model = await trained.inferenceModel('raw')
  })

  test('differ by what is asked for, and nothing asked for is all unknown', async () => {
    const [a, b, none] = [await sample(model, asFor('a')), await sample(model, asFor('b')), await sample(model)]
    expect(apart(a, b)).toBeGreaterThan(0.01)
    expect(apart(none, await sample(model, { ...guided, labels: encodeLabels(labels, {}) }))).toBe(0)
  })

  test('guidance goes along the difference; of 0 it is as if nothing were asked for', async () => {
    const [one, two, zero] = await Promise.all([1, 2, 0].map((guidance) => sample(model, { ...asFor('a'), guidance })))
    expect(apart(one!, two!)).toBeGreaterThan(1e-3)
    // Twice the pictures in one pass: last bits may differ.
    expect(apart(zero!, await sample(model))).toBeLessThan(1e-3)
    // Outside of its interval it is not applied.
    expect(apart(one!, await sample(model, { ...asFor('a'), guidance: 9, guidanceInterval: [0.999, 1] }))).toBe(0)
    expect(apart(two!, await sample(model, { ...asFor('a'), guidance: 2, guidanceRescale: 1 }))).toBeGreaterThan(1e-4)
  })

  test('a row of another width is refused', async () =>
    expect(sample(model, { ...guided, labels: [1, 0] })).rejects.toMatchObject({
      code: 'SHAPE_INVALID',
      message: expect.stringContaining('a row of 2 labels was given, but the network needs 5'),
    }))
})
