// Writes the generated parts of README.md, or with --check says whether they are as generated. Needs dist/.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './bootstrap.mjs'
import { fillTables, makeTables } from './tables.mjs'

const [{ errorTable }, { formOf, sampleGroups, trainGroups }, { commandHelp }] = await Promise.all([
  import('../dist/errors.js'),
  import('../dist/options/form.js'),
  import('../dist/cli/program.js'),
])
const path = join(root, 'README.md')
const text = readFileSync(path, 'utf8')
const filled = fillTables(text, makeTables({ errorTable, formOf, trainGroups, sampleGroups, commandHelp }))
if (process.argv.includes('--check')) {
  if (filled !== text) {
    console.error('README.md is not as generated. Run: npm run docs')
    process.exit(1)
  }
} else writeFileSync(path, filled)
