/** Copies among samples of each label: which labels are asked for, and what is found. */
import { describe, expect, test } from 'vitest'
import { MemoryPixelStore } from '../../../lib/data/pixel-store.ts'
import { askedOf, copiesByLabel } from '../../../lib/evaluate/by-label.ts'
import type { LabelSet } from '../../../lib/options/labels.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { fakePixelIndex } from '../../helpers/pixel-index.ts'

const SIZE = 8
const labels: LabelSet = {
  from: 'x.csv',
  attributes: [
    { name: 'hair', kind: 'class', values: ['brown', 'red'], counts: [3, 20] },
    { name: 'glasses', kind: 'number', min: 0, max: 1, count: 23 },
    { name: 'age', kind: 'number', min: 10, max: 30, count: 23 },
  ],
}

const addon = { pixelIndex: async (pixels: Uint8Array, shape: readonly number[]) => fakePixelIndex(pixels, shape) }
// The model gives back training picture 0 for seed 0, and new ones for others.
const pictures = new MemoryPixelStore(
  Uint8Array.from([0, 50, 51, 52].flatMap((seed) => [...fakePixels(seed, SIZE, 3)])),
  { size: SIZE, channels: 3 },
)
const reference = { pictures, groups: Int32Array.of(0, 1, 2, 3) }

const found = (of: LabelSet | null, perLabel: number) => {
  const { model, native } = fakeModel({ size: SIZE, dim: 8, dimMults: [1], labels: of })
  return { native, copies: copiesByLabel(addon, model, reference, { perLabel, sample: { seed: 0 } }, {}) }
}

describe('copiesByLabel()', () => {
  test('asks for a yes, then for classes, the most frequent first; no degrees', () =>
    expect(askedOf(labels)).toEqual([
      { attributes: { glasses: 1 }, pictures: null },
      { attributes: { hair: 'red' }, pictures: 20 },
      { attributes: { hair: 'brown' }, pictures: 3 },
    ]))

  test('counts the copies of each, with their bounds', async () => {
    const { copies, native } = found(labels, 4)
    const list = await copies
    expect(list).toHaveLength(3)
    for (const { samples, copyShare } of list) {
      expect([samples, copyShare.value]).toEqual([4, 0.25])
      expect(copyShare.low).toBeLessThan(copyShare.high)
    }
    expect(native.calls.flat()).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
  })

  test('has nothing to say of a model without labels, or where none are asked for', async () => {
    expect(await found(null, 4).copies).toEqual([])
    expect(await found(labels, 0).copies).toEqual([])
  })
})
