/** The walk through a folder: order, links, pipes. */
import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { walk } from '../../../lib/data/folder.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

async function folderWith(...paths: string[]): Promise<string> {
  const root = temporaryFolder()
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), path)
  }
  return root
}

const pathsOf = async (root: string) => (await walk(root)).items.map(({ path }) => path)

test('the order is that of code units, whatever the file system says', async () => {
  const names = [
    'b.png',
    'a/z.png',
    'B.png',
    'a.png',
    'é.png',
    'a-b.png',
    '10.png',
    '9.png',
    'a/b/c.png',
    '\uffee.png',
    '😀.png',
  ]
  const root = await folderWith(...names)
  const again = await folderWith(...names.reverse())
  const sorted = [
    '10.png',
    '9.png',
    'B.png',
    'a-b.png',
    'a.png',
    'a/b/c.png',
    'a/z.png',
    'b.png',
    'é.png',
    '😀.png',
    '\uffee.png',
  ]
  expect(await pathsOf(root)).toEqual(sorted)
  expect(await pathsOf(again)).toEqual(sorted)
})

test('hidden files are passed over, others counted by extension', async () => {
  const root = await folderWith(
    'a.PNG',
    '.b.png',
    '.git/c.png',
    'd.txt',
    'e.TXT',
    'README',
    'f.svg',
    'LICENSES.csv',
    'sub/LICENSES.csv',
  )
  const { items, skipped, ignored } = await walk(root)
  expect(items.map(({ path }) => path)).toEqual(['a.PNG'])
  expect(skipped).toEqual([])
  expect(ignored).toEqual({ txt: 2, '': 1, svg: 1, csv: 1 })
})

test('names with spaces, quotes and newlines', async () => {
  const names = ['a b.png', 'a\nb.png', 'a"b.png', "a'b.png"]
  expect(await pathsOf(await folderWith(...names))).toEqual([...names].sort())
})

test('links: inside followed, outside, folders, loops and dangling ones skipped by name', async () => {
  const outside = await folderWith('secret.png')
  const root = await folderWith('a.png', 'sub/b.png', '.store/blob')
  await symlink(join(outside, 'secret.png'), join(root, 'out.png'))
  await symlink(outside, join(root, 'outside'))
  await symlink('../a.png', join(root, 'sub/link.png'))
  await symlink('.store/blob', join(root, 'stored.png'))
  await symlink('..', join(root, 'sub/up'))
  await symlink('self.png', join(root, 'self.png'))
  await symlink('gone.png', join(root, 'dangling.png'))
  const { items, skipped } = await walk(root)
  expect(items.map(({ path }) => path)).toEqual(['a.png', 'stored.png', 'sub/b.png', 'sub/link.png'])
  expect(skipped).toEqual([
    { path: 'dangling.png', reason: 'a link to nothing: ENOENT' },
    { path: 'out.png', reason: 'a link out of the folder' },
    { path: 'outside', reason: 'a link to a folder' },
    { path: 'self.png', reason: 'a link to nothing: ELOOP' },
    { path: 'sub/up', reason: 'a link to a folder' },
  ])
})

test('a folder whose name begins like the root is outside of it', async () => {
  const root = await folderWith('data/a.png', 'data2/b.png')
  await symlink('../data2/b.png', join(root, 'data/b.png'))
  expect((await walk(join(root, 'data'))).skipped).toEqual([{ path: 'b.png', reason: 'a link out of the folder' }])
})

test('the folder itself may be a link', async () => {
  const root = await folderWith('real/a.png')
  await symlink('real', join(root, 'link'))
  expect(await pathsOf(join(root, 'link'))).toEqual(['a.png'])
})

test('pipes are never opened', async () => {
  const root = await folderWith('a.png')
  execFileSync('mkfifo', [join(root, 'pipe.png')])
  await symlink('pipe.png', join(root, 'link.png'))
  const { items, skipped } = await walk(root)
  expect(items.map(({ path }) => path)).toEqual(['a.png'])
  expect(skipped).toEqual(['link.png', 'pipe.png'].map((path) => ({ path, reason: 'not a regular file' })))
})
