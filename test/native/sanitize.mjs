#!/usr/bin/env node
// `npm run sanitize`: the addon's tests and every operation under AddressSanitizer and UndefinedBehaviorSanitizer, and
// the addon's leaks under valgrind. Not part of `npm test`: it builds the addon a second time and takes half an hour.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from '../../scripts/bootstrap.mjs'
import { readFlags } from '../../scripts/flags.mjs'

const { values } = readFlags({
  command: 'npm run sanitize --',
  about: `The addon's tests and every operation under AddressSanitizer and UndefinedBehaviorSanitizer, and its leaks under
valgrind. Takes half an hour.`,
  flags: { 'no-build': { help: 'takes the build of an earlier run' } },
})
await bootstrap()

const at = (/** @type {string[]} */ ...parts) => join(root, ...parts)
/** @type {string[]} */
const failed = []

/** Apart from the build that is used. */
const built = at('build', 'sanitize')

/**
 * @param {string} name
 * @param {string} program
 * @param {string[]} args
 * @param {'inherit' | 'ignore'} stdout
 */
function run(name, program, args, env = {}, stdout = 'inherit') {
  console.log(`\n${name}`)
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['inherit', stdout, 'inherit']
  const { status } = spawnSync(program, args, { cwd: root, stdio, env: { ...process.env, ...env } })
  if (status !== 0) failed.push(name)
}

/** Path of a sanitizer's library, which has to be there before Node is. */
const libraryOf = (/** @type {string} */ name) =>
  spawnSync(process.env.CXX || 'c++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()

const folder = mkdtempSync(join(tmpdir(), 'shinsaku-sanitize-'))
const options = [
  // Node frees nothing when it exits; leaks are valgrind's part, which sees what V8's heap holds.
  'detect_leaks=0',
  // An allocation that cannot be made is an answer to the addon, and a test of it.
  'allocator_may_return_null=1',
  'max_allocation_size_mb=4096',
  'abort_on_error=0',
  `log_path=${join(folder, 'asan')}`,
].join(':')
const sanitized = {
  LD_PRELOAD: [libraryOf('libasan.so'), libraryOf('libubsan.so')].join(' '),
  ASAN_OPTIONS: options,
  UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(folder, 'ubsan')}`,
  SHINSAKU_PREBUILD: built,
}
const vitest = at('node_modules', '.bin', 'vitest')
const tests = ['exit', 'addon', 'process'].map((name) => `test/native/${name}.test.ts`)

if (!values['no-build'])
  run('building with ASan and UBSan', process.execPath, [at('scripts', 'build.mjs'), '--sanitize'], {
    SHINSAKU_BUILD: built,
  })
run('R53: the addon under ASan and UBSan', vitest, ['run', ...tests, '--testTimeout=1800000'], sanitized)
for (const program of ['ops_check', 'train_check', 'cuda_check'])
  run(`R53: ${program} under ASan and UBSan`, join(built, 'build', 'cmake', program), [], sanitized, 'ignore')
// Children of the tests write here too. A refused allocation is what a test of it asks for.
for (const file of readdirSync(folder)) {
  const report = readFileSync(join(folder, file), 'utf8').replace(/^.*WARNING: .* failed to allocate .*\n/gm, '')
  if (report.trim() === '') continue
  failed.push(`R53: a report in ${join(folder, file)}`)
  console.error(report)
}

for (const way of ['end', 'garbage', 'shutdown', 'workers-end']) {
  const memcheck = [
    '--leak-check=full',
    '--show-leak-kinds=definite',
    '--errors-for-leak-kinds=definite',
    '--error-exitcode=99',
    '--undef-value-errors=no',
    '--num-callers=40',
    `--suppressions=${at('test', 'native', 'valgrind.supp')}`,
    '--quiet',
  ]
  const program = [process.execPath, '--expose-gc', at('test', 'helpers', 'exit-case.mjs'), way]
  run(`R54: definite leaks of "${way}" under valgrind`, 'valgrind', [...memcheck, ...program])
}

console.log(failed.length === 0 ? '\nAll clean.' : `\nFailed:\n${failed.map((name) => `  ${name}`).join('\n')}`)
process.exit(failed.length === 0 ? 0 : 1)
