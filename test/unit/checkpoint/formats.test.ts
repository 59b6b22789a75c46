/**
 * R29: a checkpoint of every version of the format that there ever was is kept, and is read. A fixture is what
 * `train data --model dcgan --size 32 --width 1 --latent 1 --batch 2 --max-images 8 --log-images 2 --previews 0`
 * left, without its logs, and the two pictures it was trained on.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { readCheckpoint } from '../../../lib/checkpoint/read.ts'
import { FORMAT_VERSION, formats, optionsDigest } from '../../../lib/checkpoint/records.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import { readDatasetRecord } from '../../../lib/run/dataset-record.ts'
import { readConfig } from '../../../lib/run/directory.ts'
import { verify } from '../../../lib/run/verify.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/checkpoints')
const versions = Object.keys(formats).map(Number)

test('R29: every version in the table has a fixture, the newest among them', () => {
  expect(
    readdirSync(fixtures)
      .map((name) => Number(name.slice(1)))
      .sort((a, b) => a - b),
  ).toEqual(versions)
  expect(Math.max(...versions)).toBe(FORMAT_VERSION)
})

test.each(versions)('R29: version %d is read', async (version) => {
  const run = join(fixtures, `v${version}`, 'run')
  const { folder } = await newestValidCheckpoint(run)
  const { state, manifest, model, training, close } = await readCheckpoint(folder)
  expect([state.images, manifest.images, manifest.format]).toEqual([8, 8, version])
  for (const reader of [model, training])
    for (const { name } of reader.tensors) expect((await reader.read(name)).length).toBeGreaterThanOrEqual(0)
  await close()
  if ('origin' in manifest) {
    const { pictures, options } = manifest.origin
    expect(pictures).toBe((await readDatasetRecord(join(run, 'dataset.json'))).digest)
    // Of the options as they were stored, under the names of their time.
    expect(options).toBe(optionsDigest(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')).options))
  }
  expect(resolveTrain(await readConfig(run))).toMatchObject({ model: 'dcgan', width: 1 })
  expect(await verify(run)).toMatchObject({ whole: true })
})
