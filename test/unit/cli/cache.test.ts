/** `shinsaku cache`: the list, as a table and as JSON, and --clear. */
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { shinsaku } from '../../helpers/cli.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'

test('lists what is kept, and removes it', async () => {
  const before = { ...process.env }
  onTestFinished(() => {
    process.env = before
  })
  const home = temporaryFolder()
  process.env.SHINSAKU_CACHE = home
  process.env.SHINSAKU_CACHE_LIMIT = '3GB'
  const folder = join(home, 'pixels')
  expect(await shinsaku('cache')).toEqual({
    code: 0,
    stdout: '',
    stderr: `0 sets of decoded pictures or features, 0 B of at most 3.0 GB (SHINSAKU_CACHE_LIMIT), in ${folder}.\n`,
  })
  const root = temporaryFolder()
  for (let i = 0; i < 2; i++) await writeFile(join(root, `${i}.png`), await flat([i, 0, 0]).png().toBuffer())
  await loadPixels(datasetOptions(root))
  await writeFile(join(folder, 'x.partial'), 'half')
  await utimes(join(folder, 'x.partial'), 1e9, 1e9)
  const { code, stdout, stderr } = await shinsaku('cache')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^last used +size\n.* 8x8x3 +2 pictures +[\d.]+ k?B\n2001-09-0\d .* unfinished +4 B\n$/)
  expect(stderr).toMatch(/^2 sets of decoded pictures or features, [\d.]+ k?B of at most/)
  const listed = JSON.parse((await shinsaku('cache', '--json')).stdout)
  expect(listed).toMatchObject({ folder, limitBytes: 3e9, sets: [{ pictures: 2, shape: '8x8x3' }, { pictures: null }] })
  expect(JSON.parse((await shinsaku('cache', '--clear', '--json')).stdout)).toEqual({ removed: listed })
  expect(await shinsaku('cache', '--clear')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: `Removed 0 sets of decoded pictures or features, 0 B, from ${folder}.\n`,
  })
  expect(await shinsaku('cache', '--claer')).toMatchObject({ code: 2, stdout: '' })
})
