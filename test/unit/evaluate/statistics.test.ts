/** Statistics that a call names, and what is wrong with those that cannot be measured against. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeStatistics } from '../../../lib/evaluate/npz.ts'
import { openStatistics } from '../../../lib/evaluate/statistics.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'

const extractor = (width: number) => ({
  open: { embedder: { embed: async () => new Float32Array(), dispose() {} }, width },
  info: { name: 'inception' as const, sha256: '', width },
})

test('those of the extractor at hand are taken, by the name of their file', async () => {
  const path = join(temporaryFolder(), 'published.npz')
  const statistics = { mean: Float64Array.of(1, 2), covariance: Float64Array.of(3, 4, 4, 5) }
  await writeStatistics(path, statistics)
  expect(await openStatistics(path, extractor(2))).toEqual({ ...statistics, name: 'published.npz' })
  expect(await openStatistics(null, extractor(2))).toBeNull()
  expect(await openStatistics(null, { missing: 'none is there' })).toBeNull()

  expect(await errorOf(openStatistics(path, extractor(3)))).toMatchObject({
    code: 'STATISTICS_INVALID',
    message: expect.stringMatching(/published\.npz.*2 features, but "inception" makes 3/),
    hint: expect.stringContaining('--extractor'),
  })
  expect(await errorOf(openStatistics(path, { missing: 'none is there' }))).toMatchObject({
    code: 'EXTRACTOR_MISSING',
    message: expect.stringContaining('none is there'),
  })
})

test('a damaged file and one that is not there', async () => {
  const folder = temporaryFolder()
  const damaged = join(folder, 'damaged.npz')
  writeFileSync(damaged, 'PK\x03\x04 and no more')
  expect(await errorOf(openStatistics(damaged, extractor(2)))).toMatchObject({ code: 'FILE_FAILED' })
  expect(await errorOf(openStatistics(join(folder, 'none.npz'), extractor(2)))).toMatchObject({ code: 'FILE_FAILED' })
})
