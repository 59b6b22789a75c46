/** The visible mark: in its corner, of every number of channels, the same bytes again; wrong ones are refused. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { encodePicture } from '../../../lib/images/encode.ts'
import { type Corner, makeMarker, markOverlay } from '../../../lib/images/mark.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const SIDE = 64
const plain = (channels: number) => new Uint8Array(SIDE * SIDE * channels).fill(128)
const shapeOf = (channels: number) => ({ width: SIDE, height: SIDE, channels })

/** Where pixels differ: the first and last row and column. */
function changed(pixels: Uint8Array, channels: number) {
  const at = [...pixels.keys()].filter((i) => pixels[i] !== 128).map((i) => Math.floor(i / channels))
  const rows = at.map((i) => Math.floor(i / SIDE))
  const columns = at.map((i) => i % SIDE)
  return { rows: [Math.min(...rows), Math.max(...rows)], columns: [Math.min(...columns), Math.max(...columns)] }
}

test.each([1, 3, 4])('%i channels: the mark covers a part of one corner, and again the same', async (channels) => {
  const mark = await makeMarker('AI', 'bottom-right')
  const marked = await mark(plain(channels), shapeOf(channels))
  expect(marked.length).toBe(SIDE * SIDE * channels)
  const { rows, columns } = changed(marked, channels)
  expect(Math.min(...rows, ...columns)).toBeGreaterThan(SIDE / 2)
  expect(Math.max(...rows, ...columns)).toBeLessThan(SIDE)
  expect(Buffer.compare(marked, await mark(plain(channels), shapeOf(channels)))).toBe(0)
})

test.each<[Corner, boolean, boolean]>([
  ['top-left', true, true],
  ['top-right', true, false],
  ['bottom-left', false, true],
])('%s', async (corner, top, left) => {
  const { rows, columns } = changed(await (await makeMarker('AI', corner))(plain(3), shapeOf(3)), 3)
  expect([rows[1]! < SIDE / 2, columns[1]! < SIDE / 2]).toEqual([top, left])
})

test('as a picture to lay over others: the mark in its corner, and nothing elsewhere', async () => {
  const path = join(temporaryFolder(), 'overlay.png')
  writeFileSync(path, await markOverlay('AI', 'bottom-right', SIDE))
  const pixels = await sharp(path).raw().toBuffer()
  const shown = [...Array(SIDE * SIDE).keys()].filter((i) => pixels[4 * i + 3]! > 0)
  const marked = await (await makeMarker('AI', 'bottom-right'))(plain(3), shapeOf(3))
  const differing = [...Array(SIDE * SIDE).keys()].filter((i) => marked[3 * i] !== 128)
  expect(shown.length).toBeGreaterThan(20)
  expect(differing.filter((i) => !shown.includes(i))).toEqual([])
  await expect(markOverlay(join(path, 'missing.png'), 'top-left', SIDE)).rejects.toMatchObject({ code: 'FILE_FAILED' })
  await expect(markOverlay('x'.repeat(25), 'top-left', SIDE)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

describe('a picture', () => {
  const file = async (name: string, bytes: Uint8Array | string) => {
    const path = join(temporaryFolder(), name)
    writeFileSync(path, bytes)
    return path
  }

  test('is scaled to at most two fifths of the side', async () => {
    const bytes = await encodePicture(new Uint8Array(300 * 100 * 3), { width: 300, height: 100, channels: 3 }, 'png')
    const mark = await makeMarker(await file('logo.png', bytes), 'bottom-right')
    const { columns } = changed(await mark(plain(3), shapeOf(3)), 3)
    expect(columns[1]! - columns[0]! + 1).toBe(Math.round(SIDE * 0.4))
  })

  test('that is none, or is not there, and a long text are refused', async () => {
    const wrong = await file('logo.png', 'no picture')
    await expect(makeMarker(wrong, 'top-left')).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(makeMarker(join(temporaryFolder(), 'logo.png'), 'top-left')).rejects.toMatchObject({
      code: 'FILE_FAILED',
    })
    await expect(makeMarker('x'.repeat(25), 'top-left')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
