// `npm run durability`: the long forms of the tests that break runs; their counts become a section of docs/reliability.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from './bootstrap.mjs'
import { writeSection } from './reliability.mjs'

const files = ['test/unit/checkpoint', 'test/e2e/broken.test.ts', 'test/e2e/kills.test.ts']

await bootstrap()
const folder = mkdtempSync(join(tmpdir(), 'shinsaku-durability-'))
const counts = join(folder, 'counts.jsonl')
const given = process.argv.slice(2)
const { status } = spawnSync(
  join(root, 'node_modules', '.bin', 'vitest'),
  ['run', '--testTimeout=7200000', ...(given.length > 0 ? given : files)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, SHINSAKU_LONG: '1', SHINSAKU_TALLY: counts } },
)

/** Rows of the same kind as one. */
function addUp(lines) {
  const rows = new Map()
  for (const { what, tried, passed } of lines) {
    const row = rows.get(what) ?? { what, tried: 0, passed: 0 }
    rows.set(what, { what, tried: row.tried + tried, passed: row.passed + passed })
  }
  return [...rows.values()].sort((a, b) => a.what.localeCompare(b.what))
}

const lines = existsSync(counts)
  ? readFileSync(counts, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : []
rmSync(folder, { recursive: true })
const rows = addUp(lines)
for (const { what, tried, passed } of rows) console.log(`${passed}/${tried}  ${what}`)
// A part of the tests, or a failed one, must not pass for the whole.
if (status === 0 && given.length === 0) {
  writeSection(root, 'durability', { title: 'Runs that are broken off', command: 'npm run durability', rows })
  console.log('docs/reliability/durability.json is written; npm run docs makes docs/reliability.md of it')
}
process.exit(status ?? 1)
