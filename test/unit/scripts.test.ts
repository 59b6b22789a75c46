/** Every script that a person runs says with --help what it does, and refuses what it does not know. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['scripts', 'bench', 'test']

/** Path from the root → text, of everything that could be run or could run it. */
const files = new Map(
  folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => /\.(mjs|cjs|sh|ts)$/.test(path) && !path.startsWith('test/fixtures/'))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

const named = Object.values(scripts).flatMap((line) => line.match(/\b(?:scripts|bench|test)\/[\w/.-]+\.mjs/g) ?? [])
const runnable = [...files].filter(([, text]) => text.startsWith('#!')).map(([path]) => path)

/** A copy without dist/, build/ and node_modules/: --help needs none of them. */
const bare = mkdtempSync(join(tmpdir(), 'shinsaku-bare-'))
afterAll(() => rmSync(bare, { recursive: true }))
for (const folder of folders)
  cpSync(join(root, folder), join(bare, folder), {
    recursive: true,
    filter: (path) => !path.includes('fixtures') && !path.includes('__pycache__'),
  })

/** How a script ends that is given `flag`, where there is neither a Python nor a network to ask. */
async function end(path: string, flag: string) {
  const program = path.endsWith('.sh') ? 'bash' : process.execPath
  const env = { PATH: process.env.PATH, SHINSAKU_PYTHON: '/nowhere/python', npm_config_offline: 'true' }
  const options = { cwd: bare, env, encoding: 'utf8' } as const
  return promisify(execFile)(program, [join(bare, path), flag], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

test.each(['scripts/build.mjs', 'scripts/prebuilds.mjs'])(
  '%s refuses a processor that it does not know',
  async (path) => {
    const { code, stderr } = await end(path, '--arch=mips')
    expect([code, stderr.trim()]).toEqual([2, '--arch has "mips"; it knows x64, arm64; see --help'])
  },
)

describe.each(runnable)('%s', (path) => {
  test('--help prints its usage', async () => {
    const { code, stdout } = await end(path, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^(npm (run|test)|node|bash) .+\n\n[\s\S]+ {2}--help/)
  })

  test('refuses a flag that it does not know, in one line', async () => {
    const { code, stdout, stderr } = await end(path, '--nonsense')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/'--nonsense'.*see --help$/)])
  })
})

test('the build takes what prebuildify calls it with', async () => {
  const args = ['rebuild', '--target=20.0.0', '--devdir=cache', '--arch=x64', '--release', '--help']
  const { stdout } = await promisify(execFile)(process.execPath, [join(bare, 'scripts/build.mjs'), ...args])
  expect(stdout).toContain('node scripts/build.mjs')
})

test('every script of package.json is among them', () => {
  expect(runnable).toEqual(expect.arrayContaining(named))
})

/** Files that a file names: by their path from it, or by their name alone. */
const namedBy = ([path, text]: [string, string]) =>
  [...text.matchAll(/'([^'\n]*\.mjs)'/g)].map(([, name]) =>
    name!.startsWith('.') ? posix.join(posix.dirname(path), name!) : posix.basename(name!),
  )

test('every other file is imported or started by one', () => {
  const others = [...files.keys()].filter((path) => path.endsWith('.mjs') && !runnable.includes(path))
  const used = new Set([...files].flatMap(namedBy))
  expect(others.filter((path) => !used.has(path) && !used.has(posix.basename(path)))).toEqual([])
})

test('every test file that one names is there', () => {
  const tools = [...files].filter(([path]) => path.endsWith('.mjs'))
  const tests = tools.flatMap(([path, text]) =>
    [...text.matchAll(/'(test\/[^'\n]+\.test\.ts)'/g)].map(([, name]) => ({ path, name: name! })),
  )
  expect(tests.length).toBeGreaterThan(5)
  expect(tests.filter(({ name }) => !existsSync(join(root, name)))).toEqual([])
})
