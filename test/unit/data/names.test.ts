/** Names of files on their way into messages. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels, RED } from '../../helpers/pictures.ts'

const load = (data: DatasetOptions['data'], over: Partial<DatasetOptions> = {}) =>
  loadPixels(datasetOptions(data, over), { cacheFolder: temporaryFolder() })

test('control characters of names are in no message as they are', async () => {
  const names = ['a\x1b[2J\x07.png', 'b\rDone.\n.png', 'c\u202e\x9b.png', 'd.\x1b[31m']
  const root = temporaryFolder()
  for (const name of names) await writeFile(join(root, name), 'text')
  const control = /[^\P{Cc}\n]|\u202e/u
  for (const over of [{}, { onUnreadable: 'fail' } as const]) {
    const error: ShinsakuError = await load(root, over).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    )
    expect(error.message).not.toMatch(control)
    expect(error.message.split('\n')).toHaveLength(1)
    expect(error.message).toContain('a\\x1b[2J\\x07.png')
  }
  await flat(RED).png().toFile(join(root, 'e.png'))
  const { warnings, manifest } = await load(root)
  expect(manifest.skipped.map(({ path }) => path)).toEqual(names.slice(0, 3))
  expect(warnings.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
  expect(warnings.join('')).toContain('b\\rDone.\\n.png')
  await expect(load(`${root}/\x1b]0;x\x07`)).rejects.toMatchObject({
    code: 'DATA_NOT_FOUND',
    message: expect.not.stringMatching(control),
  })
  await expect(load([`${root}/x\ny\x1b`])).rejects.toMatchObject({
    code: 'DATA_NOT_FOUND',
    message: expect.stringContaining('/x\\ny\\x1b: ENOENT'),
  })
})
