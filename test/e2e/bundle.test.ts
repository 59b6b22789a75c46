/** shinsaku where a bundler or a test runner has moved or wrapped its code: what works, and what is said where it cannot. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OutputOptions, rolldown } from 'rolldown'
import { beforeAll, describe, expect, test } from 'vitest'
import { sharedFolder } from '../helpers/runs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = sharedFolder()

const program = `import { train, verify } from '${join(root, 'dist', 'index.js')}'
train({ data: 'builtin:icons:4', size: 16, device: 'cpu', out: 'runs' }).then(undefined, ({ code, message, hint }) => {
  console.log(JSON.stringify({ code, message, hint }))
})`

beforeAll(() => {
  writeFileSync(join(project, 'program.mjs'), program)
  mkdirSync(join(project, 'a', 'b'), { recursive: true })
  // Where this package's own would lie.
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', version: '9.9.9' }))
})

describe.each(['esm', 'cjs'] as const)('a bundle without externals as %s', (format) => {
  test('begins, and says what to leave out of it', async () => {
    const file = join(project, 'a', 'b', format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
    const output: OutputOptions = { format, file, codeSplitting: false }
    const bundle = await rolldown({ input: join(project, 'program.mjs'), platform: 'node', logLevel: 'silent' })
    await bundle.write(output)
    await bundle.close()
    const said = JSON.parse(execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8' }))
    expect(said).toMatchObject({ code: 'ADDON_MISSING', message: expect.stringContaining('bundler') })
    expect(said.hint).toContain('Leave shinsaku and sharp out of the bundle')
  })
})

describe('require()', () => {
  test('gives the module itself', async () => {
    const required = createRequire(import.meta.url)(join(root, 'dist', 'require.cjs'))
    const names = `import(${JSON.stringify(join(root, 'dist', 'index.js'))}).then((m) => console.log(Object.keys(m).sort().join()))`
    expect(Object.keys(required).sort().join()).toBe(
      execFileSync(process.execPath, ['-e', names], { encoding: 'utf8' }).trim(),
    )
  })

  test('says what to do where ES modules cannot be required', () => {
    copyFileSync(join(root, 'dist', 'require.cjs'), join(project, 'require.cjs'))
    // What Jest makes of a file of this package: CommonJS.
    writeFileSync(join(project, 'index.js'), 'export const never = 1')
    const flags = ['--no-experimental-require-module', '-e', `require(${JSON.stringify(join(project, 'require.cjs'))})`]
    const run = () => execFileSync(process.execPath, flags, { stdio: 'pipe' })
    expect(run).toThrow('Load it with import(); Jest takes ES modules with')
  })
})
