import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MemoryPixelStore } from '../../../../lib/data/pixel-store.ts'
import { curvesOf } from '../../../../lib/evaluate/report/curves.ts'
import { firstSamples, gridsOf, optionTexts, showPairs } from '../../../../lib/evaluate/report/gather.ts'
import { temporaryFolder } from '../../../helpers/folder.ts'
import { flat, noise, RED } from '../../../helpers/pictures.ts'

describe('curvesOf()', () => {
  const share = (value: number) => ({ value, low: 0, high: 1, n: 32 })
  const guard = {
    gaps: [{ name: 'low noise', train: 0.1, heldOut: 0.3, value: 0.2, low: 0, high: 1, n: 16 }],
    copyShare: share(0.25),
    copyShareHeldOut: null,
  }
  const lines = [
    { images: 100, updates: 5, loss: 0.5, elapsedSeconds: 3 },
    { images: 200, updates: 9, loss: 0.25, elapsedSeconds: 6 },
    { images: 200, guard },
    { images: 300, updates: 12, loss: 0.1, elapsedSeconds: 9 },
  ]

  test('losses, gaps and copies up to the images of the checkpoint; what is no line is passed over', async () => {
    const run = temporaryFolder()
    const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\nnull\n[1]\n{"images":`
    writeFileSync(join(run, 'metrics.jsonl'), text)
    expect(await curvesOf(run, 200)).toEqual({
      seconds: 6,
      curves: {
        loss: [
          {
            name: 'loss',
            points: [
              [100, 0.5],
              [200, 0.25],
            ],
          },
        ],
        heldOut: [{ name: 'low noise', points: [[200, 0.2]] }],
        copies: [{ name: 'samples', points: [[200, 0.25]] }],
      },
    })
  })

  test('a run without the file has none', async () => {
    expect(await curvesOf(temporaryFolder(), 1)).toEqual({
      seconds: null,
      curves: { loss: [], heldOut: [], copies: [] },
    })
  })
})

test('gridsOf() takes at most eight grids, the first and the last among them, and none that cannot be read', async () => {
  const run = temporaryFolder()
  const samples = join(run, 'samples')
  mkdirSync(samples)
  const png = await flat(RED).png().toBuffer()
  for (let i = 0; i <= 20; i++) writeFileSync(join(samples, `${String(i * 10).padStart(9, '0')}.png`), png)
  writeFileSync(join(samples, '000000100.png'), 'damaged')
  writeFileSync(join(samples, 'other.png'), png)
  const grids = await gridsOf(run, 150)
  const at = grids.map(({ images }) => images)
  expect(at[0]).toBe(0)
  expect(at.at(-1)).toBe(150)
  expect(at.length).toBeLessThanOrEqual(8)
  expect(at).not.toContain(100)
  expect(grids[0]!.picture).toMatchObject({ width: 8, height: 8 })
})

test('firstSamples() shows the first 64 pictures side by side, and fewer where there are fewer', async () => {
  const size = 4
  const of = (count: number) => new MemoryPixelStore(new Uint8Array(count * size * size * 3), { size, channels: 3 })
  expect(await firstSamples(of(70))).toMatchObject({ width: 8 * 6 + 2, height: 8 * 6 + 2 })
  expect(await firstSamples(of(3))).toMatchObject({ width: 2 * 6 + 2, height: 2 * 6 + 2 })
})

test('showPairs() says which pairs are mirrored, and gives both pictures', async () => {
  const size = 8
  const row = Uint8Array.from({ length: size * size * 3 }, (_, i) => noise(i))
  const mirrored = row.map((_, i) => {
    const [y, x, c] = [Math.floor(i / (size * 3)), Math.floor(i / 3) % size, i % 3]
    return row[(y * size + size - 1 - x) * 3 + c]!
  })
  const samples = new MemoryPixelStore(Uint8Array.of(...row, ...mirrored), { size, channels: 3 })
  const reference = new MemoryPixelStore(row, { size, channels: 3 })
  const sets = { samples, reference, seeds: [5, 6], names: ['a.png'] }
  const pair = (sample: number) => ({ sample, reference: 0, distance: 0, mirrored: null })
  const shown = await showPairs([pair(0), pair(1)], sets)
  expect(shown.map(({ sampleName, referenceName, mirrored: is }) => [sampleName, referenceName, is])).toEqual([
    ['seed 5', 'a.png', false],
    ['seed 6', 'a.png', true],
  ])
  for (const { sample } of shown) expect(sample.source).toMatch(/^data:image\/png;base64,/)
})

test('optionTexts() leaves out what is of this machine alone', () => {
  expect(
    optionTexts({ lr: 0.1, out: 'somewhere/runs', data: 'somewhere/icons', flip: true, steps: undefined }),
  ).toEqual([
    ['lr', '0.1'],
    ['flip', 'on'],
  ])
})
