/** Copies told from new works by the same hand: the built-in icons, of which there are as many fresh ones as one likes. */
import { beforeAll, expect, test } from 'vitest'
import { loadDataset } from '../../lib/data/dataset.ts'
import { CopySearch, copiesAmong, copyShare, groupsOf } from '../../lib/evaluate/copies.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import { sharedFolder } from '../helpers/runs.ts'

const cacheFolder = sharedFolder()
const icons = (data: string) => loadDataset(resolveTrain({ data, size: 32, holdout: 0 }), { cacheFolder })

let search: CopySearch
let train: Uint8Array
beforeAll(async () => {
  const { store, manifest } = await icons('builtin:icons:64:3407')
  train = store.resident!
  search = (await CopySearch.over(withThreads(await loadAddon(), 2), store, groupsOf(manifest.files)))!
})

const shareOf = async (pixels: Uint8Array) => copyShare(copiesAmong(await search.nearest(pixels)), 1)
const mirrored = (pixels: Uint8Array) =>
  Uint8Array.from(pixels, (_, i) => pixels[i + (31 - 2 * (Math.floor(i / 3) % 32)) * 3]!)

test('training pictures played back are copies: as they are, mirrored, and slightly noised', async () => {
  const noised = train.map((value, i) => Math.min(255, Math.max(0, value + ((i * 31) % 13) - 6)))
  for (const pixels of [train, mirrored(train), noised, mirrored(noised)])
    expect(await shareOf(pixels)).toMatchObject({ value: 1, n: 64 })
})

test('a fresh set by the same hand holds no copies', async () => {
  const { store } = await icons('builtin:icons:64:777')
  const { value, high, n } = await shareOf(store.resident!)
  expect([value, n, high < 0.05]).toEqual([0, 64, true])
})

test('a picture halfway between two training pictures is none', async () => {
  const bytes = 32 * 32 * 3
  const halves = train.map((value, i) => (value + train[(i + bytes) % train.length]!) / 2)
  expect((await shareOf(halves)).value).toBeLessThan(0.05)
})
