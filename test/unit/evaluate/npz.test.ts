import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { readStatistics, writeStatistics } from '../../../lib/evaluate/npz.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const mean = Float64Array.of(1, -2.5, 1e-300)
const covariance = Float64Array.from({ length: 9 }, (_, i) => i / 7)

/** Written by numpy.savez_compressed(path, mu=[1, 2], sigma=[[3, 4], [4, 5]]), the second as float32. */
const numpy = join(import.meta.dirname, '../../fixtures/statistics.npz')

describe('statistics of features', () => {
  test('read as they were written, to the bit', async () => {
    const path = join(temporaryFolder(), 'a.npz')
    await writeStatistics(path, { mean, covariance })
    expect(await readStatistics(path)).toEqual({ mean, covariance })
    expect(Object.keys(unzipSync(readFileSync(path))).sort()).toEqual(['mu.npy', 'sigma.npy'])
  })

  test('headers end at a multiple of 64 bytes, as NumPy has them', async () => {
    const path = join(temporaryFolder(), 'a.npz')
    await writeStatistics(path, { mean, covariance })
    for (const bytes of Object.values(unzipSync(readFileSync(path)))) {
      const end = 10 + Buffer.from(bytes).readUInt16LE(8)
      expect(end % 64).toBe(0)
      expect(bytes[end - 1]).toBe(10)
    }
  })

  test('NumPy’s own are read', async () => {
    const read = await readStatistics(numpy)
    expect([...read.mean]).toEqual([1, 2])
    expect([...read.covariance]).toEqual([3, 4, 4, 5])
  })

  /** What reading says of an archive with these changes. */
  async function refusal(change: (files: Record<string, Uint8Array>) => void): Promise<unknown> {
    const path = join(temporaryFolder(), 'a.npz')
    await writeStatistics(path, { mean, covariance })
    const files = unzipSync(readFileSync(path))
    change(files)
    writeFileSync(path, zipSync(files))
    return readStatistics(path).catch((error) => error)
  }

  test('what is none is refused, with what is wrong', async () => {
    const wrong = (part: string) => expect.objectContaining({ code, message: expect.stringContaining(part) })
    const missing = await refusal((files) => delete files['sigma.npy'])
    expect(missing).toMatchObject({ code: 'STATISTICS_INVALID' })
    const { code } = missing as ShinsakuError
    expect(await refusal((files) => delete files['mu.npy'])).toEqual(wrong('no array mu'))
    expect(await refusal((files) => (files['mu.npy'] = new Uint8Array(3)))).toEqual(wrong('not in the format'))
    expect(await refusal((files) => (files['mu.npy'] = files['mu.npy']!.slice(0, 40)))).toEqual(wrong('cut short'))
    expect(await refusal((files) => (files['mu.npy'] = files['mu.npy']!.slice(0, -1)))).toEqual(
      wrong('should have 24 bytes'),
    )
    expect(await refusal((files) => (files['mu.npy'] = files['sigma.npy']!))).toEqual(wrong('not [n] and [n, n]'))
    expect(await refusal((files) => files['mu.npy']!.fill(255, -8))).toEqual(wrong('NaN'))
  })

  test('a file that is no archive is refused', async () => {
    const path = join(temporaryFolder(), 'a.npz')
    writeFileSync(path, 'PK no')
    await expect(readStatistics(path)).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await expect(readStatistics(`${path}x`)).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})
