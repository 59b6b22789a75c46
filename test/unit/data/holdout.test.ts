/** A data set whose pictures are on two sides: rows and record fit each other, in memory and in a file. */
import { readFileSync } from 'node:fs'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, test } from 'vitest'
import { type DatasetHooks, type DatasetOptions, loadDataset } from '../../../lib/data/dataset.ts'
import { digestOf, type ManifestFile } from '../../../lib/data/manifest.ts'
import type { PixelStore } from '../../../lib/data/pixel-store.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, drawFaces } from '../../helpers/pictures.ts'

const COUNT = 24

let root: string
let cacheFolder: string
beforeEach(async () => {
  cacheFolder = temporaryFolder()
  root = await drawFaces(temporaryFolder(), COUNT)
})

const load = (over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  loadDataset(datasetOptions(root, { size: 16, holdout: 6, ...over }), { cacheFolder, ...hooks })

const rowsOf = (store: PixelStore) => store.read(Array.from({ length: store.count }, (_, i) => i))
const contents = (files: readonly ManifestFile[] = []) => files.map(({ sha256 }) => sha256).sort()

/** What each picture is without a split, by its hash. */
async function wholeSet() {
  const { store, manifest } = await load({ holdout: 0 })
  const rows = await rowsOf(store)
  await store.close()
  return {
    manifest,
    rowOf: new Map(manifest.files.map(({ sha256 }, i) => [sha256, rows.subarray(i * 768, (i + 1) * 768)])),
  }
}

describe.each(['memory', 'file'] as const)('pixels in %s', (pixelStore) => {
  test('each side has its own rows, in the order of its files', async () => {
    const { manifest: whole, rowOf } = await wholeSet()
    const { store, heldOut, manifest, warnings } = await load({ pixelStore })
    expect([store.count, manifest.count, heldOut?.count]).toEqual([18, 18, 6])
    expect(contents([...manifest.files, ...manifest.heldOut!])).toEqual(contents(whole.files))
    for (const [side, files] of [
      [store, manifest.files],
      [heldOut!, manifest.heldOut!],
    ] as const) {
      expect(side).toMatchObject({ size: 16, channels: 3 })
      const wanted = Buffer.concat(files.map(({ sha256 }) => rowOf.get(sha256)!))
      expect(Buffer.compare(await rowsOf(side), wanted)).toBe(0)
      expect(
        Buffer.compare(await side.read([3, 0]), Buffer.concat([3, 0].map((i) => rowOf.get(files[i]!.sha256)!))),
      ).toBe(0)
    }
    expect(manifest.digest).toBe(digestOf(manifest.files))
    expect(manifest.heldOutDigest).toBe(digestOf(manifest.heldOut!))
    expect(manifest.files.map(({ path }) => path)).toEqual([...manifest.files.map(({ path }) => path)].sort())
    expect(warnings.join()).not.toContain('held out')
    await store.close()
  })
})

test('holdout 0, or too few for "auto", leaves no trace', async () => {
  for (const holdout of [0, 'auto'] as const) {
    const { store, heldOut, manifest } = await load({ holdout })
    expect([store.count, heldOut]).toEqual([COUNT, null])
    expect(Object.keys(manifest)).not.toContain('heldOut')
    expect(Object.keys(manifest)).not.toContain('heldOutDigest')
  }
})

test('the same are held out at another size, with other channels, under other names', async () => {
  const first = contents((await load()).manifest.heldOut)
  expect(contents((await load({ size: 32, channels: 1 })).manifest.heldOut)).toEqual(first)
  const other = await drawFaces(temporaryFolder(), COUNT)
  for (let i = 0; i < COUNT; i++)
    await rename(join(other, `face-${String(i).padStart(2, '0')}.png`), join(other, `x${(i * 7) % COUNT}.png`))
  expect(contents((await load({ data: other })).manifest.heldOut)).toEqual(first)
})

test('drawings of our own are held out as well', async () => {
  const { manifest } = await load({ data: 'builtin:icons:100', size: 8, holdout: 'auto' })
  expect([manifest.count, manifest.heldOut?.length]).toEqual([84, 16])
})

test('copies are on the side of their picture, on record under one number', async () => {
  const doubled = await drawFaces(temporaryFolder(), COUNT)
  for (let i = 0; i < COUNT; i++) {
    const [file, copy] = [join(doubled, `face-${String(i).padStart(2, '0')}.png`), join(doubled, `copy-${i}`)]
    if (i % 2 === 0) await copyFile(file, `${copy}.png`)
    else await sharp(file).flop().jpeg({ quality: 80 }).toFile(`${copy}.jpg`)
  }
  const { manifest } = await load({ data: doubled })
  expect(manifest.heldOut).toHaveLength(6)
  const groups = (files: readonly ManifestFile[] = []) => [...new Set(files.map(({ group }) => group))]
  expect(groups(manifest.heldOut)).toHaveLength(3)
  expect(groups(manifest.heldOut)).not.toContain(undefined)
  expect(groups(manifest.files)).toHaveLength(21)
  expect(groups(manifest.files).filter((group) => groups(manifest.heldOut).includes(group))).toEqual([])
})

test('fewer than asked, because one picture is there all over, is said', async () => {
  const same = temporaryFolder()
  for (let i = 0; i < 10; i++) await writeFile(join(same, `${i}.png`), readFileSync(join(root, 'face-00.png')))
  const { heldOut, warnings } = await load({ data: same, holdout: 3 })
  expect(heldOut).toBe(null)
  expect(warnings).toContainEqual(
    'Only 0 pictures held out, 3 fewer than asked: near-duplicates and variants stay together.',
  )
})

test('none left to train on is DATA_TOO_FEW', () =>
  expect(load({ holdout: COUNT })).rejects.toMatchObject({
    code: 'DATA_TOO_FEW',
    details: { count: COUNT, holdout: COUNT },
  }))

test('what is on record is held out, whatever would be chosen now', async () => {
  const { manifest } = await load({ holdout: 0 })
  const recorded = { files: manifest.files.slice(4), heldOut: manifest.files.slice(0, 4) }
  const again = await load({}, { recorded })
  expect(again.manifest.heldOut?.map(({ path }) => path)).toEqual(recorded.heldOut.map(({ path }) => path))
  expect(again.warnings.join()).not.toContain('held out')
})
