/** A site's folder after writes that fail: as it was, and nothing beside it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { disk } from '../../../lib/files/write.ts'
import { type SiteFile, siteFile, writeSite } from '../../../lib/publish/site.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

afterEach(() => vi.restoreAllMocks())

const files = (text: string): SiteFile[] => [
  { path: 'index.html', chunks: () => text },
  { path: 'app/deep/main.mjs', chunks: () => text },
  { path: siteFile, chunks: () => '{}' },
]
const textIn = (site: string) => readFileSync(join(site, 'app/deep/main.mjs'), 'utf8')

test('is made with the folders above it, and replaced with all that was in it', async () => {
  const parent = temporaryFolder()
  const site = join(parent, 'a', 'site')
  await writeSite(site, files('one'))
  writeFileSync(join(site, 'stale'), '')
  await writeSite(site, files('two'))
  expect([readdirSync(site).sort(), textIn(site)]).toEqual([['app', 'index.html', siteFile].sort(), 'two'])
  expect(readdirSync(join(parent, 'a'))).toEqual(['site'])
})

test.each(['open', 'write', 'sync', 'rename', 'mkdir'] as const)(
  'a %s that fails at any time changes nothing',
  async (name) => {
    const parent = temporaryFolder()
    const site = join(parent, 'site')
    await writeSite(site, files('one'))
    const real = disk[name] as (...args: unknown[]) => Promise<unknown>
    for (let failing = 1; failing < 100; failing++) {
      let calls = 0
      const spy = vi.spyOn(disk, name).mockImplementation(((...args: unknown[]) => {
        calls += 1
        return calls === failing ? Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })) : real(...args)
      }) as never)
      const failed = await writeSite(site, files(`${failing}`)).then(
        () => undefined,
        (error) => error.code,
      )
      spy.mockRestore()
      if (failed === undefined) break
      expect([failed, readdirSync(site).length]).toEqual(['FILE_FAILED', 3])
      expect(readdirSync(parent).filter((entry) => entry.includes('new'))).toEqual([])
    }
    expect(textIn(site)).not.toBe('one')
    expect(readdirSync(parent)).toEqual(['site'])
  },
)

test('a folder or a file that is no site is FILE_EXISTS; an empty folder may be filled', async () => {
  const parent = temporaryFolder()
  for (const name of ['mine', 'empty']) mkdirSync(join(parent, name))
  writeFileSync(join(parent, 'mine', 'x'), '')
  writeFileSync(join(parent, 'file'), '')
  for (const name of ['mine', 'file'])
    await expect(writeSite(join(parent, name), files('one'))).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  await writeSite(join(parent, 'empty'), files('one'))
  expect(textIn(join(parent, 'empty'))).toBe('one')
})
