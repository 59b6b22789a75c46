import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const page = read('docs/scaling.md')

const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text!)

describe('docs/scaling.md', () => {
  test('has commands that a shell can read', () => {
    expect(blocks('sh').length).toBeGreaterThanOrEqual(4)
    for (const text of blocks('sh')) execFileSync('bash', ['-n'], { input: text })
  })

  test('names variables that are read', () => {
    const sources = read('lib/distributed/environment.ts') + read('lib/train/group/addresses.ts')
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((row) =>
      [...row.split('|')[1]!.matchAll(/`([A-Z_]+)(?:=0|_\*)?`/g)].map(([, name]) => name!),
    )
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter((name) => !sources.includes(name))).toEqual([])
  })

  test('has the times that its formula gives', () => {
    const [gradients, networks] = [143e6, [12e9, 1.2e9]]
    const rows = [...page.matchAll(/^\| (\d+) \| ([\d.]+) s \| ([\d.]+) s \|$/gm)]
    expect(rows.map(([, processes]) => Number(processes))).toEqual([1, 4, 16, 64, 1024])
    for (const [, processes, ...seconds] of rows) {
      const count = Number(processes)
      for (const [i, text] of seconds.entries()) {
        const exact = 1 / count + (2 * (count - 1) * gradients) / count / networks[i]!
        expect(Number(text)).toBeCloseTo(exact, text.length - 2)
      }
    }
  })
})
