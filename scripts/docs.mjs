// Writes the generated parts of README.md and docs/reliability.md, or with --check says whether they are as generated. Needs dist/.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './bootstrap.mjs'
import { readSections, renderReliability } from './reliability.mjs'
import { fillTables, makeTables } from './tables.mjs'

const [{ errorTable }, { formOf, sampleGroups, trainGroups }, { commandHelp }, { recipes }] = await Promise.all([
  import('../dist/errors.js'),
  import('../dist/options/form.js'),
  import('../dist/cli/program.js'),
  import('../dist/options/recipes.js'),
])
const tables = makeTables({ errorTable, formOf, trainGroups, sampleGroups, commandHelp, recipes })
const documents = {
  'README.md': (text) => fillTables(text, tables),
  'docs/reliability.md': () => renderReliability(readSections(root)),
}
for (const [name, generate] of Object.entries(documents)) {
  const path = join(root, name)
  const text = readFileSync(path, 'utf8')
  const generated = generate(text)
  if (generated === text) continue
  if (!process.argv.includes('--check')) writeFileSync(path, generated)
  else {
    console.error(`${name} is not as generated. Run: npm run docs`)
    process.exitCode = 1
  }
}
