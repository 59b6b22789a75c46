/** README.md, CONTRIBUTING.md and docs/: generated parts are as generated, and whatever they name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commandHelp } from '../../lib/cli/program.ts'
import { errorTable } from '../../lib/errors.ts'
import { explanations } from '../../lib/evaluate/explain.ts'
import { recipes } from '../../lib/options/recipes.ts'
import { generationSpecs } from '../../lib/options/serve.ts'
import {
  compareGroups,
  evaluateGroups,
  sampleGroups,
  serveGroups,
  serverGroups,
  trainGroups,
  valueKindOf,
} from '../../lib/options/value-kind.ts'
import { readSources } from '../helpers/sources.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { fillTables, makeTables, tablesOf } = await import(new URL('../../scripts/tables.mjs', import.meta.url).href)
const { cpuDocs } = await import(new URL('../../bench/report.mjs', import.meta.url).href)
const { readSections, renderReliability } = await import(new URL('../durability/report.mjs', import.meta.url).href)
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const documents: ReadonlyMap<string, string> = new Map(
  readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .concat('README.md', 'CONTRIBUTING.md', 'test/requirements.md')
    .map((path) => [path, read(path)]),
)
const pages = [...documents.keys()]

describe('generated tables', () => {
  const all: Record<string, string> = makeTables({
    errorTable,
    valueKindOf,
    trainGroups,
    sampleGroups,
    evaluateGroups,
    compareGroups,
    serveGroups,
    serverGroups,
    generationSpecs,
    explanations,
    commandHelp,
    recipes,
  })
  const homes = Object.entries(tablesOf as Record<string, string[]>)

  test('each has one page', () => {
    expect(homes.flatMap(([, names]) => names).sort()).toEqual(Object.keys(all).sort())
  })

  test.each(homes)('%s has them as generated, and would notice a change', (page, names) => {
    const text = documents.get(page)!
    const tables = Object.fromEntries(names.map((name) => [name, all[name]]))
    expect(fillTables(text, tables)).toBe(text)
    for (const name of names) expect(fillTables(text, { [name]: `${all[name]}x` }), name).not.toBe(text)
    expect(() => fillTables('no markers', tables)).toThrow('lacks')
  })

  test('list every option and every error code', () => {
    for (const { specs } of [...trainGroups(), ...sampleGroups()])
      for (const name of Object.keys(specs)) expect(documents.get('docs/options.md')).toContain(`| \`${name}\` |`)
    for (const code of Object.keys(errorTable)) expect(documents.get('docs/errors.md')).toContain(`| \`${code}\` |`)
  })
})

test('docs/benchmarks.md and its chart are as made of docs/benchmarks.json', () => {
  const data = JSON.parse(read('docs/benchmarks.json'))
  for (const [name, text] of Object.entries(cpuDocs(data))) expect(read(`docs/${name}`), name).toBe(text)
  const [row, ...others] = data.rows
  const changed = { ...data, rows: [{ ...row, median: 2 * row.median }, ...others] }
  expect(cpuDocs(changed)['benchmarks.md']).not.toBe(documents.get('docs/benchmarks.md'))
})

describe('docs/reliability.md', () => {
  const sections: unknown[] = readSections(root)

  test('is as generated from docs/reliability/*.json', () =>
    expect(documents.get('docs/reliability.md')).toBe(renderReliability(sections)))

  test('a changed count would be noticed', () => {
    const row = { what: 'planted', tried: 2, passed: 1 }
    const planted = { title: 'Planted', command: 'x', date: '2026-01-01', machine: 'y', rows: [row] }
    expect(renderReliability([...sections, planted])).toContain('| planted | 2 | 1 |')
  })
})

/** The anchors that GitHub gives a page's headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Links to a file or a heading of this repository that is not there. */
function brokenLinks(page: string, text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, link]) => link!)
  return links.filter((link) => {
    const [file, anchor] = link.split('#') as [string, string?]
    const target = file === '' ? page : normalize(join(dirname(page), file))
    if (target !== page && !existsSync(join(root, target))) return true
    return anchor !== undefined && !anchorsOf(target === page ? text : read(target)).includes(anchor)
  })
}

/** Paths in backticks that name nothing in this repository; what a build makes is not in it. */
const missingPaths = (text: string) =>
  [...text.matchAll(/`((?:lib|native|test|bench|scripts|docs)\/[\w./*-]*)(?=[` ])/g)]
    .map(([, path]) => path!)
    .filter((path) => !existsSync(join(root, path.replace(/\/[^/]*\*.*$/, ''))))

/** What a page looks for "in" a file that does not have it, as in `name` in `path`. */
const misplacedNames = (text: string) =>
  [...text.matchAll(/`([\w:]+)`(?: of .{1,40})? in `((?:lib|native|test|bench|scripts)\/[\w./-]+\.\w+)`/g)]
    .map(([, name, path]) => ({ name: name!.split('::').at(-1)!, path: path! }))
    .filter(({ name, path }) => !existsSync(join(root, path)) || !new RegExp(`\\b${name}\\b`).test(read(path)))
    .map(({ name, path }) => `${name} in ${path}`)

describe('what is named is there', () => {
  test.each(pages)('in %s', (page) => {
    const text = documents.get(page)!
    expect(brokenLinks(page, text)).toEqual([])
    expect(missingPaths(text)).toEqual([])
    expect(misplacedNames(text)).toEqual([])
  })

  test('what is not would be noticed', () => {
    const text = '# A `b` c\n[1](gone.md) [2](#a-b-c) [3](#gone) [4](../README.md#gone) [5](https://example.org/gone)'
    expect(brokenLinks('docs/planted.md', text)).toEqual(['gone.md', '#gone', '../README.md#gone'])
    const paths =
      '`lib/errors.ts`, `lib/gone.ts`, `docs/reliability/*.json`, `docs/gone/*.json`, `node scripts/docs.mjs`'
    expect(missingPaths(paths)).toEqual(['lib/gone.ts', 'docs/gone/*.json'])
    const names = '`fileError` in `lib/errors.ts`, `gone` in `lib/errors.ts`, `A::quoted` in `lib/gone.ts`'
    expect(misplacedNames(names)).toEqual(['gone in lib/errors.ts', 'quoted in lib/gone.ts'])
  })
})

test('README.md stays under 200 lines, CONTRIBUTING.md under 100', () => {
  expect(documents.get('README.md')!.split('\n').length).toBeLessThan(200)
  expect(documents.get('CONTRIBUTING.md')!.split('\n').length).toBeLessThan(100)
})

test('the numbers of requirements in tests are those that test/requirements.md defines', () => {
  const number = /\bR\d{2}\b/g
  const defined = [...read('test/requirements.md').matchAll(/^\| (R\d{2}) +\|/gm)].map(([, found]) => found!)
  const used = [...readSources()]
    .filter(([path]) => /^(test|lib|native|scripts|bench)\/.*\.(ts|mjs|cc|h|py)$/.test(path))
    .flatMap(([, text]) => text.match(number) ?? [])
  expect([...new Set(used)].sort()).toEqual(defined)
})

test('every error code is expected by some test', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts') && !file.endsWith('docs.test.ts'),
  )
  const text = files.map((file) => readFileSync(join(root, 'test', file), 'utf8')).join('\n')
  const quoted = new RegExp(`['"\`\\[ ](${Object.keys(errorTable).join('|')})['"\`\\]]`, 'g')
  const seen = new Set([...text.matchAll(quoted)].map((match) => match[1]))
  expect(Object.keys(errorTable).filter((code) => !seen.has(code))).toEqual([])
})
