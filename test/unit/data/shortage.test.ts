/** A process that is short of something loses no picture: it waits, or the call fails and says of what. */
import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { source } from '../../../lib/files/read.ts'
import { patience } from '../../../lib/files/shortage.ts'
import { errno } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { useLittlePatience } from '../../helpers/patience.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'

useLittlePatience()
beforeEach(() => {
  const before = { ...source }
  onTestFinished(() => void Object.assign(source, before))
})

async function folderOf(count: number): Promise<string> {
  const root = temporaryFolder()
  for (let i = 0; i < count; i++) await writeFile(join(root, `${i}.png`), await flat([i, 0, 0]).png().toBuffer())
  return root
}

const load = (root: string) => loadPixels(datasetOptions(root), { cacheFolder: temporaryFolder() })

/** Opening a picture fails with `code`, `times` times for each file and phase. */
function failToOpen(code: string, times: number): void {
  const { open } = source
  const tries = new Map<string, number>()
  source.open = async (path, flags) => {
    const tried = (tries.get(path) ?? 0) + 1
    tries.set(path, tried % (times + 1))
    if (path.endsWith('.png') && tried <= times) throw errno(code)
    return open(path, flags)
  }
}

test.each(['EMFILE', 'EBUSY', 'EIO', 'EACCES', 'EPERM'])('a moment of %s costs no picture', async (code) => {
  const root = await folderOf(6)
  failToOpen(code, 3)
  const { count, manifest } = await load(root)
  expect([count, manifest.skipped]).toEqual([6, []])
})

test('what stays short ends the call and says so; nothing is dropped', async () => {
  const root = await folderOf(6)
  failToOpen('EMFILE', 99)
  await expect(load(root)).rejects.toMatchObject({
    code: 'RESOURCE_SHORTAGE',
    message: expect.stringContaining('EMFILE'),
    hint: expect.stringContaining('ulimit -n'),
  })
})

test('a permission that does not come back is of the file', async () => {
  const root = await folderOf(2)
  failToOpen('EACCES', 99)
  await expect(load(root)).rejects.toMatchObject({
    code: 'DATA_EMPTY',
    details: { skipped: [0, 1].map((i) => ({ path: `${i}.png`, reason: 'EACCES: injected' })) },
  })
})

test('a folder that may not be read for a moment is read', async () => {
  const root = await folderOf(1)
  const inner = join(root, 'inner')
  await promisify(execFile)('cp', ['-r', root, `${root}-copy`])
  await promisify(execFile)('mv', [`${root}-copy`, inner])
  chmodSync(inner, 0)
  chmodSync(root, 0o755)
  const user = process.geteuid!()
  patience.permission = [200]
  const cacheFolder = temporaryFolder()
  chmodSync(cacheFolder, 0o777)
  if (user === 0) process.seteuid!(65534)
  try {
    const call = loadPixels(datasetOptions(root), { cacheFolder })
    setTimeout(() => {
      if (user === 0) process.seteuid!(0)
      chmodSync(inner, 0o755)
    }, 50)
    expect((await call).count).toBe(2)
  } finally {
    if (user === 0) process.seteuid!(0)
  }
})
