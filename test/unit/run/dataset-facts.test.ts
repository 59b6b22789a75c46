/** A dataset.json in a few lines. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDatasetFacts } from '../../../lib/run/dataset-facts.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const file = (path: string, more: object = {}) => ({
  path,
  sha256: 'a'.repeat(64),
  licence: 'MIT',
  author: null,
  source: null,
  optOut: false,
  ...more,
})

function write(text: string): string {
  const path = join(temporaryFolder(), 'dataset.json')
  writeFileSync(path, text)
  return path
}

test('counts pictures, rights, and what is not used', async () => {
  const manifest = {
    version: 1,
    data: 'icons',
    count: 3,
    digest: 'd',
    settings: { size: 32, channels: 3, fit: 'cover' },
    files: [file('a'), file('b', { optOut: true, group: 1 }), file('c', { licence: null, group: 1, unknown: [1, {}] })],
    heldOut: [file('d')],
    skipped: [
      { path: 'x', reason: 'broken' },
      { path: 'y', reason: 'broken' },
    ],
    ignored: { txt: 2, md: 1 },
  }
  expect(await readDatasetFacts(write(JSON.stringify(manifest)))).toEqual({
    data: 'icons',
    count: 3,
    heldOut: 1,
    digest: 'd',
    size: 32,
    channels: 3,
    optOut: 1,
    alike: 2,
    rights: [
      { licence: 'MIT', author: null, source: null, count: 2 },
      { licence: null, author: null, source: null, count: 1 },
    ],
    moreRights: 0,
    skipped: [{ reason: 'broken', count: 2 }],
    ignored: 3,
  })
})

test('many different rights and reasons stay a list that can be shown', async () => {
  const files = Array.from({ length: 250 }, (_, i) => file(`p${i}`, { author: `author ${i}` }))
  const skipped = files.map(({ path }) => ({ path, reason: `reason ${path}` }))
  const facts = await readDatasetFacts(write(JSON.stringify({ files, skipped })))
  expect([facts.rights.length, facts.moreRights]).toEqual([100, 150])
  expect(facts.skipped.at(-1)).toEqual({ reason: 'for other reasons', count: 150 })
})

test.each(['', '[]', '{"files": 1}', '{"files": [{"optOut": 1}]}', '{"files": [', '{"settings": {"size": -1}}'])(
  '%j is RUN_INVALID',
  async (text) => {
    await expect(readDatasetFacts(write(text))).rejects.toMatchObject({ code: 'RUN_INVALID' })
  },
)
