/** The package as a tarball gives it, with the addon of this build in place of a stripped one; the long form is `npm run pack-check`. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildPaths, findBuilds, packageRoot as root } from '../../lib/libtorch/builds.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { sharedFolder } from '../helpers/runs.ts'

const load = (file: string) => import(new URL(`../../test/package/${file}.mjs`, import.meta.url).href)
const { attwProblems, fileProblems, manifestProblems, publintProblems, symbolProblems } = await load('contents')
const { checkTypes, sources, run } = await load('project')
const { stagePackage } = await import(new URL('../../scripts/stage.mjs', import.meta.url).href)

const work = sharedFolder()
let tarball: string
let project: string

/** Packs what is published, from a copy that holds this build's addons where prebuilt ones lie. */
function pack(): string {
  const staged = join(work, 'staged')
  const [[minor, addon]] = [...findBuilds().addons] as [[string, string]]
  const copies: [string, ...string[]][] = [
    [
      join(addon, 'build', 'Release', 'shinsaku.node'),
      ...buildPaths.prebuiltAddon(minor),
      'prebuilds',
      `linux-${process.arch}`,
      'shinsaku.glibc.node',
    ],
    [
      join(findBuilds().loader, 'build', 'Release', 'loader.node'),
      ...buildPaths.prebuiltLoader,
      'prebuilds',
      `linux-${process.arch}`,
      'loader.glibc.node',
    ],
  ]
  stagePackage(staged)
  for (const [from, ...to] of copies) {
    mkdirSync(dirname(join(staged, ...to)), { recursive: true })
    cpSync(from, join(staged, ...to), { recursive: true })
  }
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', work], { cwd: staged })
  return join(work, readdirSync(work).find((name) => name.endsWith('.tgz'))!)
}

beforeAll(() => {
  tarball = pack()
  project = join(work, 'mit Leerzeichen, ümlaut 新作')
  const installed = join(project, 'node_modules', 'shinsaku')
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components', '1'])
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
  }
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(project, name), text as string)
})

describe('installed in a path with spaces and other letters', () => {
  test.each(['import.mjs', 'require.cjs'])('R70 R72 R74 %s trains 20 images and draws', (file) => {
    expect(JSON.parse(run(process.execPath, [file], { cwd: project }))).toEqual({ images: 20, bytes: 1536 })
  })

  test('R72 the types, in node16, nodenext and bundler modes', () => {
    checkTypes(project)
    const wrong = join(project, 'types.mts')
    writeFileSync(wrong, `${sources['types.mts']}export const text: string = train({ size: 16 })\n`)
    expect(() => checkTypes(project, [['esnext', 'bundler', ['types.mts']]])).toThrow(/TS2322/)
  })
})

describe('R71', () => {
  test('publint and attw find nothing', async () => {
    expect(await publintProblems(tarball)).toEqual([])
    expect(attwProblems(tarball)).toEqual([])
  })

  test('they would find a file that is not there and types that do not resolve', async () => {
    const folder = join(temporaryFolder(), 'package')
    mkdirSync(folder)
    const manifest = {
      name: 'broken',
      version: '1.0.0',
      type: 'module',
      exports: { '.': { types: './a.d.cts', default: './b.js' }, './a': { types: './a.d.cts', default: './a.js' } },
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'a.js'), 'export const a = 1')
    writeFileSync(join(folder, 'a.d.cts'), 'export declare const a: number')
    const broken = join(folder, '..', 'broken-1.0.0.tgz')
    execFileSync('tar', ['-czf', broken, '-C', dirname(folder), 'package'])
    expect((await publintProblems(broken)).join('\n')).toContain('b.js')
    expect(attwProblems(broken)).not.toEqual([])
  })
})

describe('what the tarball holds', () => {
  const files = () =>
    execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((name) => name.replace(/^package\//, ''))

  test('all that is needed and nothing else', () => expect(fileProblems(files())).toEqual([]))

  test.each([
    'binding.gyp',
    'CMakeLists.txt',
    'native/core/optim/ema.cc',
    'dist/index.js.map',
    'lib/index.ts',
    'libtorch_cpu.so',
  ])('%s would be noticed', (file) => {
    expect(fileProblems([...files(), file])).toEqual([`it holds ${file}`])
  })

  test('what is missing would be noticed, and two addons in one folder', () => {
    const without = files().filter((file) => !file.endsWith('.d.ts') && !file.startsWith('prebuilds/loader'))
    expect(fileProblems(without)).toHaveLength(2)
    const addon = files().find((file) => file.endsWith('.node'))!
    expect(fileProblems([...files(), join(dirname(addon), 'another.node')])).toEqual([
      `${dirname(addon)} holds two addons`,
    ])
  })

  test('npm runs nothing of it', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(manifestProblems(manifest)).toEqual([])
    expect(manifestProblems({ ...manifest, scripts: { install: 'node-gyp-build' } })).toEqual([
      'npm would run its script install',
    ])
    expect(manifestProblems({ ...manifest, gypfile: true, type: 'commonjs' })).toHaveLength(2)
  })

  test('symbols that older systems lack would be noticed', () => {
    const line = (version: string, symbol: string) =>
      `0000000000000000      DF *UND*\t0000000000000000 (${version}) ${symbol}\n`
    expect(
      symbolProblems(line('GLIBC_2.30', 'gettid') + line('GLIBCXX_3.4.26', 'a') + line('GLIBC_2.2.5', 'exp')),
    ).toEqual([])
    expect(symbolProblems(line('GLIBC_2.34', 'dlopen') + line('GLIBCXX_3.4.30', 'wait'))).toEqual([
      'dlopen needs GLIBC 2.34; see native/portable.cc',
      'wait needs GLIBCXX 3.4.30; see native/portable.cc',
    ])
  })
})
