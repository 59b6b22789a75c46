/** The font task: its pictures, which side each is on, and what is refused. */
import { describe, expect, test } from 'vitest'
import { openSource } from '../../../lib/data/source.ts'
import { letterOf } from '../../../lib/fonts/letters.ts'
import { openTypefaces } from '../../../lib/fonts/typeface.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, loadPixels } from '../../helpers/pictures.ts'
import { errorOf } from '../../helpers/runs.ts'

const drawn = (item: object) => (item as { draw(): string }).draw()

test('letters of two typefaces, each once; a-m to train on, n-z held out', async () => {
  const data = await openSource('builtin:fonts:tinos,courier-prime:1:7')
  expect(data.name).toBe('builtin:fonts:tinos,courier-prime:1:7')
  expect(data.rights.licence).toBe('OFL-1.1')
  expect(data.items).toHaveLength(2 * 52)
  const paths = data.items.map(({ path }) => path)
  expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length)
  const held = paths.filter((path) => data.isHeldOut!(path)).map(letterOf)
  expect([...new Set(held)].join('')).toBe('nopqrstuvwxyzNOPQRSTUVWXYZ')
  expect(held).toHaveLength(52)
})

test('places follow from the seed, the same for each typeface, and leave the letter whole', async () => {
  const pictures = async (data: string) => (await openSource(data)).items.map(drawn)
  const [a, again, other] = [
    await pictures('builtin:fonts:tinos,courier-prime:2:7'),
    await pictures('builtin:fonts:tinos,courier-prime:2:7'),
    await pictures('builtin:fonts:tinos,courier-prime:2:8'),
  ]
  expect(again).toEqual(a)
  expect(other).not.toEqual(a)
  expect(new Set(a).size).toBe(a.length)
  const [face] = await openTypefaces(['tinos'])
  const outline = face!.letter('g', 38)
  const [, x, y] = a[2 * 6]!.match(/translate\(([-\d.]+) ([-\d.]+)\)/)!.map(Number)
  expect(outline.left + x!).toBeGreaterThanOrEqual(-0.01)
  expect(outline.right + x!).toBeLessThanOrEqual(64.01)
  expect(outline.top + y!).toBeGreaterThanOrEqual(-0.01)
  expect(outline.bottom + y!).toBeLessThanOrEqual(64.01)
})

test('as data: labels are the typefaces, and the sides are the task’s whatever holdout says', async () => {
  const options = { labels: 'folders', size: 16, channels: 1, holdout: 3 } as const
  const { manifest, labels, heldOut } = await loadPixels(
    datasetOptions('builtin:fonts:tinos,courier-prime:1', { ...options, model: 'classifier' }),
    { cacheFolder: temporaryFolder() },
  )
  expect(labels!.attributes).toEqual([
    { name: 'class', kind: 'class', values: ['courier-prime', 'tinos'], counts: [26, 26] },
  ])
  expect(heldOut!.count).toBe(52)
  expect(manifest.files.every(({ path }) => /[a-mA-M]/.test(letterOf(path)))).toBe(true)
})

describe('refused', () => {
  test.each([
    'builtin:fonts:tinos',
    'builtin:fonts:tinos,tinos',
    'builtin:fonts:tinos,../x',
    'builtin:fonts:tinos,courier-prime:0',
    'builtin:fonts:tinos,courier-prime:1001',
    'builtin:fonts:tinos,courier-prime:1:x',
    'builtin:fontss',
  ])('%s', async (data) => {
    expect(await errorOf(openSource(data))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a typeface that is not installed, with the line that installs it', async () => {
    const error = await errorOf(openSource('builtin:fonts:tinos,no-such-face'))
    expect(error).toMatchObject({ code: 'TOOL_MISSING', details: { missing: ['@fontsource/no-such-face'] } })
    expect(error.message).toContain('npm install @fontsource/no-such-face')
  })

  test('a letter that a typeface has not', async () => {
    const [face] = await openTypefaces(['tinos'])
    expect(() => face!.letter('猫', 38)).toThrow(expect.objectContaining({ code: 'TYPEFACE_INVALID' }))
  })

  test('other labels than folders', async () => {
    const options = datasetOptions('builtin:fonts:tinos,courier-prime:1', { labels: 'captions' })
    const error = await errorOf(loadPixels(options, { cacheFolder: temporaryFolder() }))
    expect(error).toMatchObject({ code: 'LABELS_INVALID' })
    expect(error.message).toContain('folders')
  })
})
