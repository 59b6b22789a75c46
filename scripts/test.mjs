#!/usr/bin/env node
// `npm test`: sets everything up, checks style, types and generated files, runs the tests, and prints the counts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap, root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

// What comes after -- is vitest's: npm test -- -- -t name.
const { words } = readFlags({
  command: 'npm test --',
  words: '[FILE... | -- VITEST FLAGS]',
  about:
    'Sets everything up, checks style, types and generated files, and runs the tests: all, or those of the files given.',
})

await bootstrap()

const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name)
const report = join(root, 'build', 'test-report.json')
mkdirSync(join(root, 'build'), { recursive: true })
rmSync(report, { force: true })

/** @type {[name: string, program: string, args: string[]][]} */
const checks = [
  ['style of TypeScript (npm run format mends it)', bin('biome'), ['check', '.']],
  ['style of C++ (npm run format mends it)', process.execPath, ['scripts/clang-format.mjs', '--check']],
  ['types', bin('tsc'), ['--noEmit']],
  ['types of scripts', bin('tsc'), ['-p', 'tsconfig.scripts.json']],
  ['types of pages', bin('tsc'), ['-p', 'tsconfig.client.json']],
  ['generated docs (npm run docs mends them)', process.execPath, ['scripts/docs.mjs', '--check']],
]
/** @type {string[]} */
const failed = []
/** @type {(name: string, program: string, args: string[]) => void} */
const run = (name, program, args) => {
  if (spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status !== 0) failed.push(name)
}
for (const [name, program, args] of checks) run(name, program, args)
run('tests', bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...words])

const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined
for (const name of failed) console.error(`failed: ${name}`)
if (!counts) console.error('vitest wrote no report')
else {
  // A check that is not a test of vitest's own counts as one.
  const wrong = counts.numFailedTests + failed.filter((name) => name !== 'tests').length
  const broken = failed.includes('tests') && counts.numFailedTests === 0 ? 1 : 0
  const right = counts.numPassedTests + checks.length - failed.filter((name) => name !== 'tests').length
  console.log(`${right} passed, ${wrong + broken} failed, ${counts.numPendingTests + counts.numTodoTests} skipped`)
}
process.exit(failed.length > 0 || !counts ? 1 : 0)
