/** Features are found again for the same pictures, extractor and device; what is damaged is no file. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { clearFolder, listFolder, pixelsFolder } from '../../../lib/data/cache-folder.ts'
import { featureCache } from '../../../lib/evaluate/feature-cache.ts'
import { settings } from '../../helpers/pictures.ts'
import { useOwnCache } from '../../helpers/runs.ts'

useOwnCache()
const info = { name: 'inception', sha256: '00', width: 4 } as const
const rows = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const cacheOf = (digest = 'a', sha256 = '00', device = 'cpu') =>
  featureCache(digest, settings({ size: 8 }), { ...info, sha256 }, device)

beforeEach(async () => {
  await clearFolder()
})

test('they come back as they were, for nothing else, and are on the list', async () => {
  expect(await cacheOf().read(2)).toBeNull()
  await cacheOf().write(rows)
  expect(await cacheOf().read(2)).toEqual(rows)
  for (const other of [cacheOf('b'), cacheOf('a', '01'), cacheOf('a', '00', 'cuda:0')])
    expect(await other.read(2)).toBeNull()
  expect(await cacheOf().read(3)).toBeNull()
  expect((await listFolder()).sets).toMatchObject([{ pictures: 2, shape: '4 features', bytes: 64 }])
})

test.each([
  ['one byte', (bytes: Buffer) => bytes.fill(9, 3, 4)],
  ['its end', (bytes: Buffer) => bytes.subarray(0, 40)],
  ['bytes too many', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
])('damaged by %s they are made again', async (_, damage) => {
  await cacheOf().write(rows)
  const path = join(pixelsFolder(), readdirSync(pixelsFolder())[0]!)
  writeFileSync(path, damage(readFileSync(path)))
  expect(await cacheOf().read(2)).toBeNull()
  await cacheOf().write(rows)
  expect(await cacheOf().read(2)).toEqual(rows)
})

test('where nothing can be written, nothing fails', async () => {
  const before = process.env.SHINSAKU_CACHE
  try {
    process.env.SHINSAKU_CACHE = '/dev/null/x'
    await cacheOf().write(rows)
    expect(await cacheOf().read(2)).toBeNull()
  } finally {
    process.env.SHINSAKU_CACHE = before
  }
})
