/** What is published names its repository, and its page leads to files wherever it is shown. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { relativeLinks, repositoryOf, withAbsoluteLinks, withRepository } = await import(
  new URL('../../scripts/stage.mjs', import.meta.url).href
)
const { pageProblems } = await import(new URL('../package/contents.mjs', import.meta.url).href)
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const manifest = { name: 'shinsaku', version: '1.2.3' }

/** A clone that fetches from there. */
function cloneOf(remote: string | undefined): string {
  const folder = temporaryFolder()
  execFileSync('git', ['init', '-q'], { cwd: folder })
  if (remote) execFileSync('git', ['remote', 'add', 'origin', remote], { cwd: folder })
  return folder
}

describe.each([
  'https://github.com/someone/shinsaku.git',
  'git@github.com:someone/shinsaku.git',
  'git+ssh://git@github.com/someone/shinsaku',
])('a clone of %s', (remote) => {
  const repository = () => repositoryOf(manifest, cloneOf(remote))

  test('gives package.json its three fields', () =>
    expect(withRepository(manifest, repository())).toEqual({
      ...manifest,
      repository: { type: 'git', url: 'git+https://github.com/someone/shinsaku.git' },
      homepage: 'https://github.com/someone/shinsaku#readme',
      bugs: { url: 'https://github.com/someone/shinsaku/issues' },
    }))

  test('gives the page absolute links, to the files of that version', () => {
    const base = 'https://github.com/someone/shinsaku'
    const page = 'a [b [c]](docs/d.md#e), ![f](docs/g.png), [h](https://i.org/j.md), [k](#l), [m](LICENSE)'
    expect(withAbsoluteLinks(page, repository(), '1.2.3')).toBe(
      `a [b [c]](${base}/blob/v1.2.3/docs/d.md#e), ![f](https://raw.githubusercontent.com/someone/shinsaku/v1.2.3/docs/g.png), [h](https://i.org/j.md), [k](#l), [m](${base}/blob/v1.2.3/LICENSE)`,
    )
  })
})

test('every link of the README becomes absolute, and one that did not would be noticed', () => {
  const repository = repositoryOf({ repository: 'gitlab:someone/shinsaku' })
  const published = withRepository(manifest, repository)
  const page = withAbsoluteLinks(readme, repository, '1.2.3')
  expect(relativeLinks(readme).length).toBeGreaterThan(20)
  for (const path of relativeLinks(readme)) expect(existsSync(join(root, path.split('#')[0]!)), path).toBe(true)
  expect(pageProblems(published, page)).toEqual([])
  expect(pageProblems(published, `${page}[x](docs/x.md)`)).toEqual([expect.stringContaining('docs/x.md')])
})

test.each([undefined, '/srv/git/shinsaku.git', 'not an address'])('a clone of %s has no address to name', (remote) => {
  expect(repositoryOf(manifest, cloneOf(remote))).toBeUndefined()
  expect(pageProblems(manifest, readme)).toEqual([expect.stringContaining('repository')])
})

test('what package.json says goes before the remote', () =>
  expect(repositoryOf({ repository: { url: 'github:a/b' } }, cloneOf('https://github.com/c/d')).path()).toBe('a/b'))
