#!/usr/bin/env node
// `npm run durability`: the long forms of the tests that break runs; the counts of each part become a
// section of docs/reliability.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from '../../scripts/bootstrap.mjs'
import { readFlags, refuse } from '../../scripts/flags.mjs'
import { writeSection } from './report.mjs'

/** @import { Tries } from './report.mjs' */

const hostile = 'test/unit/data/hostile.test.ts'

/** @type {Record<string, { title: string, files: string[], only?: string }>} */
const parts = {
  checkpoints: { title: 'Checkpoints', files: ['test/unit/checkpoint'] },
  folder: { title: 'A folder of very many files', files: [hostile], only: 'R46' },
  kills: { title: 'Training processes that are killed', files: ['test/e2e/kills.test.ts'], only: 'R08|R33' },
  numbers: {
    title: 'Numbers gone wrong',
    files: ['test/unit/convert/finite.test.ts', 'test/native/finite.test.ts', 'test/e2e/numbers.test.ts'],
    only: 'R36|R37|R39|R40',
  },
  pictures: { title: 'Odd and hostile pictures', files: [hostile], only: 'R43|R44|R45|R47' },
  runs: { title: 'Runs that are broken off', files: ['test/e2e/broken.test.ts'] },
  serve: {
    title: 'A server under floods, wrong requests and slow clients',
    files: ['test/unit/serve/sockets.test.ts', 'test/unit/serve/handler.test.ts'],
    only: 'R60|R61|R63|R64',
  },
  syscalls: {
    title: 'A save that is killed at each of its system calls',
    files: ['test/e2e/kills.test.ts'],
    only: 'R07',
  },
}

/** Counts of the same kind as one. @param {Tries[]} lines */
function addUp(lines) {
  /** @type {Map<string, Tries>} */
  const rows = new Map()
  for (const { what, tried, passed } of lines) {
    const row = rows.get(what) ?? { what, tried: 0, passed: 0 }
    rows.set(what, { what, tried: row.tried + tried, passed: row.passed + passed })
  }
  return [...rows.values()].sort((a, b) => a.what.localeCompare(b.what))
}

/** Runs one part; whether every test of it passed. Only then its section is written. @param {string} name */
function runPart(name) {
  const { title, files, only } = parts[name] ?? refuse(`there is no part ${name}`)
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-durability-'))
  const counts = join(folder, 'counts.jsonl')
  const { status } = spawnSync(
    join(root, 'node_modules', '.bin', 'vitest'),
    ['run', '--testTimeout=7200000', '--reporter=verbose', ...files, ...(only ? ['--testNamePattern', only] : [])],
    { cwd: root, stdio: 'inherit', env: { ...process.env, SHINSAKU_LONG: '1', SHINSAKU_TALLY: counts } },
  )
  const lines = existsSync(counts) ? readFileSync(counts, 'utf8').trim().split('\n') : []
  rmSync(folder, { recursive: true })
  const rows = addUp(lines.map((line) => JSON.parse(line)))
  for (const { what, tried, passed } of rows) console.log(`${passed}/${tried}  ${what}`)
  if (status === 0) writeSection(root, name, { title, command: `npm run durability -- ${name}`, rows })
  return status === 0
}

const { words: given } = readFlags({
  command: 'npm run durability --',
  words: '[PART...]',
  about: `The long forms of the tests that break runs, all or some:
${Object.entries(parts)
  .map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`)
  .join('\n')}`,
})
const unknown = given.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0) refuse(`there is no part ${unknown.join(', ')}; the parts are ${Object.keys(parts).join(', ')}`)
await bootstrap()
const failed = (given.length > 0 ? given : Object.keys(parts)).filter((name) => !runPart(name))
for (const name of failed) console.error(`failed: ${name}`)
if (failed.length === 0) console.log('npm run docs makes docs/reliability.md of docs/reliability/*.json')
process.exit(failed.length > 0 ? 1 : 0)
