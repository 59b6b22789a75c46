import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commandHelp } from '../../lib/cli/program.ts'
import { errorTable } from '../../lib/errors.ts'
import { recipes } from '../../lib/options/recipes.ts'
import { sampleGroups, trainGroups, valueKindOf } from '../../lib/options/value-kind.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { makeTables, fillTables } = await import(new URL('../../scripts/tables.mjs', import.meta.url).href)
const { readSections, renderReliability } = await import(new URL('../durability/report.mjs', import.meta.url).href)
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('the README', () => {
  const tables: Record<string, string> = makeTables({
    errorTable,
    valueKindOf,
    trainGroups,
    sampleGroups,
    commandHelp,
    recipes,
  })

  test('has the tables as generated', () => expect(fillTables(readme, tables)).toBe(readme))

  test('a changed default or meaning would be noticed', () => {
    for (const [name, table] of Object.entries(tables))
      expect(fillTables(readme, { ...tables, [name]: `${table}x` }), name).not.toBe(readme)
    expect(() => fillTables('no markers', tables)).toThrow('lacks')
  })

  test('documents every option and every error code', () => {
    for (const { specs } of [...trainGroups(), ...sampleGroups()])
      for (const name of Object.keys(specs)) expect(readme).toContain(`| \`${name}\` |`)
    for (const code of Object.keys(errorTable)) expect(readme).toContain(`| \`${code}\` |`)
  })

  test('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map((match) => match[1]!.split('#')[0]!)
    expect(links.length).toBeGreaterThan(0)
    for (const link of links) expect(() => readFileSync(join(root, link)), link).not.toThrow()
  })
})

describe('docs/reliability.md', () => {
  const page = readFileSync(join(root, 'docs', 'reliability.md'), 'utf8')
  const sections: unknown[] = readSections(root)

  test('is as generated from docs/reliability/*.json', () => expect(page).toBe(renderReliability(sections)))

  test('a changed count would be noticed', () => {
    const row = { what: 'planted', tried: 2, passed: 1 }
    const planted = { title: 'Planted', command: 'x', date: '2026-01-01', machine: 'y', rows: [row] }
    expect(renderReliability([...sections, planted])).toContain('| planted | 2 | 1 |')
  })
})

test('CONTRIBUTING.md stays under 100 lines', () => {
  expect(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').split('\n').length).toBeLessThan(100)
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
