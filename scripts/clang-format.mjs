#!/usr/bin/env node
// Formats the C++ files, or with --check says which are not formatted.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

const { values } = readFlags({
  command: 'node scripts/clang-format.mjs',
  about: 'Formats the C++ files.',
  flags: { check: { help: 'only says which are not formatted' } },
})

const { getClangFormatPath } = createRequire(import.meta.url)('clang-format-node')
const files = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(cc|h|cu|cuh)$/.test(file))
  .map((file) => join(root, 'native', file))
const mode = values.check ? ['--dry-run', '--Werror'] : ['-i']
try {
  execFileSync(getClangFormatPath(process.platform, process.arch), [...mode, ...files], { cwd: root, stdio: 'inherit' })
} catch (error) {
  if (/** @type {{ status?: number }} */ (error).status === undefined) throw error
  process.exit(1)
}
