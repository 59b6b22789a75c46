/** What shinsaku wrote itself is never data, wherever it lies; it is skipped, and said. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { beforeEach, expect, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { encodePicture } from '../../../lib/images/encode.ts'
import { encodeGrid } from '../../../lib/images/grid.ts'
import { isMadeHere, writeXmp } from '../../../lib/images/xmp.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels, RED } from '../../helpers/pictures.ts'

let root: string
let cacheFolder: string
beforeEach(async () => {
  root = temporaryFolder()
  cacheFolder = temporaryFolder()
  await writeFile(join(root, 'a.png'), await flat(RED).png().toBuffer())
})

const load = (over: Partial<DatasetOptions> = {}, data: DatasetOptions['data'] = root) =>
  loadPixels(datasetOptions(data, over), { cacheFolder })

const pixels = new Uint8Array(8 * 8 * 3)
const shape = { width: 8, height: 8, channels: 3 }
const grid = { count: 2, size: 8, channels: 3 }

async function put(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), bytes)
}

test('samples and grids, wherever they were moved, also where onUnreadable is "fail", and from the cache', async () => {
  for (const format of ['png', 'webp'] as const) {
    await put(`s/sample.${format}`, await encodePicture(pixels, shape, format, { seed: 1 }))
    await put(`s/grid.${format}`, await buffer(encodeGrid([pixels, pixels], grid, format, { seeds: '1-2' })))
    await put(`s/reals.${format}`, await buffer(encodeGrid([pixels, pixels], grid, format)))
  }
  for (const over of [{ onUnreadable: 'fail' }, {}, { onUnreadable: 'fail' }, { pixelStore: 'file' }] as const) {
    const { manifest, warnings } = await load(over)
    expect(manifest.files.map(({ path }) => path)).toEqual(['a.png'])
    expect(manifest.skipped.map(({ reason }) => reason)).toEqual(Array.from({ length: 6 }, () => 'shinsaku made it'))
    expect(warnings.join('\n')).toMatch(/6 files not used: s\/grid\.png \(shinsaku made it\)/)
  }
})

test('a list is no exception', async () => {
  await put('sample.png', await encodePicture(pixels, shape, 'png', { seed: 1 }))
  const { manifest } = await load(
    {},
    ['a.png', 'sample.png'].map((name) => join(root, name)),
  )
  expect(manifest.skipped).toEqual([{ path: 'sample.png', reason: 'shinsaku made it' }])
})

test('run folders, by the record they begin with; a config.json of another program is nothing', async () => {
  const picture = await flat([1, 2, 3]).png().toBuffer()
  await put('old/00000-diffusion-8-x/config.json', JSON.stringify({ format: 1, shinsaku: '0.1.0', options: {} }))
  await put('old/00000-diffusion-8-x/deep/b.png', picture)
  await put('other/config.json', JSON.stringify({ options: { size: 3 } }))
  await put('other/c.png', picture)
  await put('broken/config.json', '{')
  await put('broken/d.png', picture)
  const { manifest, warnings } = await load()
  expect(manifest.files.map(({ path }) => path)).toEqual(['a.png', 'broken/d.png', 'other/c.png'])
  expect(manifest.skipped).toEqual([{ path: 'old/00000-diffusion-8-x', reason: 'a run of shinsaku' }])
  expect(warnings.join('\n')).toContain('1 file not used: old/00000-diffusion-8-x (a run of shinsaku)')
  await expect(load({}, join(root, 'old/00000-diffusion-8-x'))).rejects.toMatchObject({
    code: 'DATA_EMPTY',
    hint: expect.stringContaining('--resume'),
  })
})

test('the folder that receives runs; not where it is the data itself or holds it', async () => {
  const picture = await flat([1, 2, 3]).png().toBuffer()
  await put('runs/notes/b.png', picture)
  const { manifest } = await load({ out: join(root, 'runs') })
  expect(manifest.skipped).toEqual([{ path: 'runs', reason: 'the folder that receives runs (out)' }])
  for (const out of [root, join(root, '..'), join(root, 'none')]) expect((await load({ out })).count).toBe(2)
  await rename(join(root, 'runs'), join(root, 'pictures'))
  expect((await load({ out: join(root, 'runs') })).count).toBe(2)
})

test('a packet is known in either form that programs write', () => {
  expect(isMadeHere(writeXmp())).toBe(true)
  expect(isMadeHere('<rdf:Description xmp:CreatorTool="shinsaku"/>')).toBe(true)
  expect(isMadeHere('<xmp:CreatorTool>shinsakuhin</xmp:CreatorTool>')).toBe(false)
  expect(isMadeHere('<dc:title>shinsaku</dc:title>')).toBe(false)
})
