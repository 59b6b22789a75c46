/** Variant "2.3-cfg" beside the published classifier_free_guidance.py: names, first values, losses, samples. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isSamplingWeight } from '../../lib/checkpoint/state-names.ts'
import type { Addon, NativeTrainer } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { encodeAll, encodeLabels, type LabelSet } from '../../lib/options/labels.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { goldenHere, type Made } from '../helpers/cpu.ts'
import { drawPixels } from '../helpers/sampling.ts'
import { smallSpec } from '../helpers/specs.ts'

type Case = { options: AnyTrainOptions & { updates: number }; initial: string; names: string[] }
type Bits = { losses: number[]; weights: string; samples: Record<string, string> }

/** Written by test/golden/make/guidance.py from the published package. */
const golden = JSON.parse(readFileSync(new URL('../golden/guidance.json', import.meta.url), 'utf8')) as {
  classes: number
  cases: Case[]
  made: (Made & { cases: Bits[] })[]
}

const addon: Addon = await loadAddon()
const { cpuCapability } = await addon.info()
const { bits, exact, promise } = goldenHere(golden.made, cpuCapability)

const COUNT = 10
const nameOf = (index: number) => `class ${index % golden.classes}`
const values = Array.from({ length: golden.classes }, (_, index) => nameOf(index))
const labels: LabelSet = {
  from: 'folders',
  attributes: [{ name: 'class', kind: 'class', values, counts: values.map(() => 1) }],
}
const pictures = Array.from({ length: COUNT }, (_, index) => ({ labels: { class: nameOf(index) } }))

async function trainerOf({ updates: _, ...options }: Case['options']): Promise<NativeTrainer> {
  const small = { dim: 16, dimMults: [1, 2], size: 16, batch: 4, timesteps: 30, lr: 1e-3, clipGradNorm: null }
  const spec = smallSpec({
    ...small,
    emaDecay: null,
    variant: '2.3-cfg',
    labels,
    ...options,
    threads: bits.cpu.threads,
    exact: true,
  })
  const channels = spec.channels as number
  const pixels = new Uint8Array(COUNT * 16 * 16 * channels).map((_, i) => Math.imul(i, 2654435761) >>> 24)
  return addon.trainer(spec, await addon.images(pixels, [COUNT, 16, 16, channels], 'cpu', encodeAll(labels, pictures)))
}

async function digest(trainer: NativeTrainer): Promise<string> {
  const hash = createHash('sha256')
  for (const { name } of await trainer.tensors()) if (name.startsWith('model.')) hash.update(await trainer.tensor(name))
  return hash.digest('hex')
}

test.each(golden.cases.map((given, i) => ({ ...given, ...bits.cases[i]! })))(
  `follows the published network ${promise}: $options`,
  async ({ options, initial, names, losses, weights, samples }) => {
    const trainer = await trainerOf(options)
    const own = (await trainer.tensors()).map(({ name }) => name).filter((name) => name.startsWith('model.'))
    expect(own.filter(isSamplingWeight)).toEqual(names.map((name) => `model.${name}`))
    if (cpuCapability !== 'DEFAULT') expect(await digest(trainer)).toBe(initial)
    const { loss } = await trainer.step(options.updates)
    const apart = losses.map((value, i) => Math.abs(value - loss![i]!) / value)
    if (!exact) {
      expect(apart[0]).toBeLessThan(1e-4)
      expect(Math.max(...apart)).toBeLessThan(2e-2)
      return
    }
    expect(Math.max(...apart)).toBeLessThan(1e-12)
    expect(await digest(trainer)).toBe(weights)
    const model = await trainer.inferenceModel('raw')
    const row = encodeLabels(labels, { class: nameOf(1) })
    for (const [how, expected] of Object.entries(samples)) {
      const parts = how.split(' ')
      const [guidance, guidanceRescale] = parts.slice(-2).map(Number)
      const [sampler, steps = 30, eta = 0] = parts.slice(0, -2)
      const { pixels } = await drawPixels(model, {
        ...{ seeds: [11], batch: 1, sampler: sampler!, steps: Number(steps), eta: Number(eta) },
        ...{ labels: row, guidance: guidance!, guidanceRescale: guidanceRescale! },
        ...{ guidanceInterval: [0, 1], guidanceProjection: true },
      })
      expect(createHash('sha256').update(pixels).digest('hex'), how).toBe(expected)
    }
  },
)

test('one attribute of several classes is all that it learns', async () => {
  const other: LabelSet = { from: 'a.csv', attributes: [{ name: 'age', kind: 'number', min: 0, max: 9, count: 10 }] }
  expect(() => smallSpec({ variant: '2.3-cfg', labels: other })).toThrow(/one attribute of several classes/)
  expect(() => smallSpec({ variant: '2.3-cfg' })).toThrow(/labels: must be given/)
  // A table is known once it has been read.
  const spec = { ...smallSpec({ variant: '2.3-cfg', labels }), labelGroups: [0] }
  await expect(addon.describe(spec)).rejects.toMatchObject({ code: 'LABELS_INVALID' })
})
