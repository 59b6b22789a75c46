/** A set that differs by a few pictures from one that the cache has: only those are decoded, and every bit is the same. */
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type DatasetHooks, type DatasetOptions, loadDataset } from '../../../lib/data/dataset.ts'
import * as decoder from '../../../lib/images/decode.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'

vi.mock('../../../lib/images/decode.ts', { spy: true })

let root: string
let cacheFolder: string
beforeEach(async () => {
  root = temporaryFolder()
  cacheFolder = temporaryFolder()
  for (let i = 0; i < 12; i++) await put(i)
  await writeFile(join(root, '05-broken.png'), 'broken')
})

const put = async (i: number) =>
  writeFile(
    join(root, `${String(i).padStart(2, '0')}.png`),
    await flat([20 * i, 3, 7])
      .png()
      .toBuffer(),
  )

const calls = () => vi.mocked(decoder.decodePicture).mock.calls.length

/** Loads, and counts what was decoded. */
async function load(over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) {
  const before = calls()
  const dataset = await loadPixels(datasetOptions(root, over), { cacheFolder, ...hooks })
  return { dataset, decoded: calls() - before }
}

/** What a start without any cache makes of the same pictures. */
const fresh = async (over: Partial<DatasetOptions> = {}) =>
  (await load(over, { cacheFolder: temporaryFolder() })).dataset

const sets = async () => (await readdir(cacheFolder)).filter((name) => name.endsWith('.pixels'))

describe.each(['memory', 'file'] as const)('pixels in %s', (pixelStore) => {
  test('of one picture more, that one is decoded; the set that is in the new one goes', async () => {
    await load({ pixelStore })
    await put(12)
    const seen: number[] = []
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done }) => void (phase === 'decode' && seen.push(done))
    const { dataset, decoded } = await load({ pixelStore }, { onProgress })
    expect([decoded, seen]).toEqual([1, [13, 14]])
    expect(dataset).toEqual(await fresh({ pixelStore }))
    expect(await sets()).toHaveLength(1)
    expect((await load({ pixelStore })).decoded).toBe(0)
  })

  test('of fewer pictures, others under their names, copies, and another order, none is', async () => {
    await load({ pixelStore })
    await rm(join(root, '03.png'))
    await copyFile(join(root, '07.png'), join(root, '00.png'))
    const list = ['11', '00', '07', '02'].map((name) => join(root, `${name}.png`))
    for (const data of [root, list]) {
      const { dataset, decoded } = await load({ pixelStore, data })
      expect(decoded).toBe(0)
      expect(dataset).toEqual(await fresh({ pixelStore, data }))
    }
    // Each of them lacks pictures that the first one has.
    expect(await sets()).toHaveLength(3)
  })

  test('of two sets in one, none is', async () => {
    const names = (await readdir(root)).sort()
    const paths = names.map((name) => join(root, name))
    await load({ pixelStore, data: paths.slice(0, 6) })
    await load({ pixelStore, data: paths.slice(4) })
    const { dataset, decoded } = await load({ pixelStore })
    expect(decoded).toBe(0)
    expect(dataset).toEqual(await fresh({ pixelStore }))
    expect(await sets()).toHaveLength(1)
  })

  test('a damaged set is no help, and does no harm', async () => {
    await load({ pixelStore })
    const [name] = await sets()
    const whole = await readFile(join(cacheFolder, name!))
    await put(12)
    const expected = await fresh({ pixelStore })
    for (const at of [2, 9, 200, whole.length - 300, whole.length - 1]) {
      for (const old of await sets()) await rm(join(cacheFolder, old))
      await writeFile(
        join(cacheFolder, name!),
        whole.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      )
      const { dataset, decoded } = await load({ pixelStore })
      expect(decoded, `byte ${at}`).toBe(14)
      expect(dataset).toEqual(expected)
    }
  })

  test('of pictures that an interrupted start had decoded, and of a set, only the others are', async () => {
    await load({ pixelStore })
    for (let i = 12; i < 20; i++) await put(i)
    const controller = new AbortController()
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done }) =>
      void (phase === 'decode' && done >= 16 && controller.abort())
    await expect(load({ pixelStore }, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'ABORT_ERR',
    })
    const { dataset, decoded } = await load({ pixelStore })
    expect(decoded).toBeGreaterThan(0)
    expect(decoded).toBeLessThanOrEqual(5)
    expect(dataset).toEqual(await fresh({ pixelStore }))
  })
})

test('a broken picture of another set ends the call where it shall', async () => {
  await load()
  await put(12)
  await expect(load({ onUnreadable: 'fail' })).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: expect.stringContaining('05-broken.png'),
  })
})

describe('to describe a run, nothing is written', () => {
  test('neither what is decoded nor what was interrupted, and the same is said', async () => {
    for (const pixelStore of ['memory', 'file'] as const) {
      const { store, ...said } = await loadDataset(datasetOptions(root, { pixelStore }), {
        cacheFolder,
        readOnly: true,
      })
      await store.close()
      expect(await readdir(cacheFolder)).toEqual([])
      const { pixels: _, count, size, channels, ...expected } = await fresh({ pixelStore })
      expect(said).toEqual(expected)
      expect(store).toMatchObject({ count, size, channels })
    }
  })

  test('what is there is used and stays', async () => {
    await load()
    await put(12)
    const before = await sets()
    expect((await load({}, { readOnly: true })).decoded).toBe(1)
    expect(await sets()).toEqual(before)
  })
})
