import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('../helpers/import-case.mjs', import.meta.url))
const ask = (mode: 'cost' | 'load' | 'use') =>
  JSON.parse(execFileSync(process.execPath, [program, mode], { encoding: 'utf8' }))

const heavy = { libraries: [/libtorch/, /libvips/, /\.node$/], scripts: [/\/zod\//, /\/sharp\//, /node_modules/] }

/** Which patterns fit nothing of a list. */
const missing = (list: readonly string[], patterns: readonly RegExp[]) =>
  patterns.filter((pattern) => !list.some((entry) => pattern.test(entry)))

test("import costs the processor less than Node's own start does", () => {
  const shares = Array.from({ length: 5 }, () => ask('cost')).map((cost) => cost.import / cost.start)
  expect(Math.min(...shares)).toBeLessThan(1)
})

test('import loads no libtorch, no sharp, no zod and nothing else of another package', () => {
  const { scripts, libraries } = ask('load')
  expect(scripts.some((url: string) => url.endsWith('/dist/index.js'))).toBe(true)
  expect(missing(libraries, heavy.libraries)).toEqual(heavy.libraries)
  expect(missing(scripts, heavy.scripts)).toEqual(heavy.scripts)
})

test('the first run loads all of them: the test above would see them', () => {
  const { scripts, libraries } = ask('use')
  expect(missing(libraries, heavy.libraries)).toEqual([])
  expect(missing(scripts, heavy.scripts)).toEqual([])
})
