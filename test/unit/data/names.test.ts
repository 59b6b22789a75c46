/** Names of files on their way into messages. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { digestOf } from '../../../lib/data/manifest.ts'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { pathToBytes } from '../../../lib/files/path-bytes.ts'
import { toJson } from '../../../lib/files/write.ts'
import { readDatasetFiles } from '../../../lib/run/dataset-record.ts'
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

/** Shift-JIS and Latin-1, as archives of other systems hold them. */
const strange = ['\udc8c\udca2.png', 'caf\udce9.png', 'm\udcfcnchen/a.png']

async function strangeFolder(): Promise<string> {
  const root = temporaryFolder()
  await mkdir(pathToBytes(join(root, 'm\udcfcnchen')))
  for (const [i, name] of strange.entries())
    await writeFile(pathToBytes(join(root, name)), await flat([i, 0, 0]).png().toBuffer())
  await writeFile(pathToBytes(join(root, 'x\udcff.png')), 'text')
  await symlink(pathToBytes(strange[1]!), pathToBytes(join(root, 'link\udc80.png')))
  return root
}

test('names that are not UTF-8 are read by their bytes, and are told apart wherever they are written', async () => {
  const root = await strangeFolder()
  const { manifest, warnings, pixels } = await load(root)
  const paths = manifest.files.map(({ path }) => path)
  expect(paths).toEqual(['caf\udce9.png', 'link\udc80.png', 'm\udcfcnchen/a.png', '\udc8c\udca2.png'])
  expect([0, 1, 2, 3].map((i) => pixels[i * 8 * 8 * 3])).toEqual([1, 1, 2, 0])
  expect(warnings.join('\n')).toContain('x\\xff.png (it is not a JPEG')
  const record = join(root, 'dataset.json')
  await writeFile(record, toJson(manifest))
  const { files } = await readDatasetFiles(record)
  expect(files.map(({ path }) => path)).toEqual(paths)
  expect(digestOf(files)).toBe(manifest.digest)
  // The same as a list: a program may give the names of dataset.json.
  const listed = await load(paths.map((path) => join(root, path)))
  expect(listed.manifest.digest).toBe(manifest.digest)
})

test('a name that the command line has lost is told as that', async () => {
  const root = await strangeFolder()
  await expect(load([join(root, 'caf\ufffd.png')])).rejects.toMatchObject({
    code: 'DATA_NOT_FOUND',
    hint: expect.stringMatching(/not UTF-8, which the command line loses/),
  })
})
