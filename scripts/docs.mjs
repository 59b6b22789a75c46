#!/usr/bin/env node
// Writes the generated parts of docs/ and the types of options, or with --check says whether they are as generated. Needs dist/.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuDocs } from '../bench/report.mjs'
import { readSections, renderReliability } from '../test/durability/report.mjs'
import { root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'
import { renderOptionTypes } from './option-types.mjs'
import { fillTables, makeTables, tablesOf } from './tables.mjs'

const { values } = readFlags({
  command: 'npm run docs --',
  about: 'Writes the generated parts of docs/. Needs dist/.',
  flags: { check: { help: 'only says whether they are as generated' } },
})
const [
  { errorTable },
  groups,
  { models },
  { trainSpecs },
  { sampleSpecs },
  { loadSpecs },
  { exportSpecs },
  { commandHelp },
  { recipes },
  { explanations },
  { generationSpecs },
] = await Promise.all([
  import('../dist/errors.js'),
  import('../dist/options/value-kind.js'),
  import('../dist/models/table.js'),
  import('../dist/options/train.js'),
  import('../dist/options/sample.js'),
  import('../dist/options/common.js'),
  import('../dist/options/export.js'),
  import('../dist/cli/program.js'),
  import('../dist/options/recipes.js'),
  import('../dist/evaluate/explain.js'),
  import('../dist/options/serve.js'),
])
const optionTables = {
  models,
  trainSpecs,
  sampleSpecs,
  loadSpecs,
  exportSpecs,
  trainDefaultText: groups.trainDefaultText,
  sampleDefaultText: groups.sampleDefaultText,
}
const tables = makeTables({ errorTable, ...groups, explanations, generationSpecs, commandHelp, recipes })
/** Each example as a block of code, to be shown where its name is. */
const examples = readdirSync(join(root, 'docs', 'examples')).map((file) => {
  const code = readFileSync(join(root, 'docs', 'examples', file), 'utf8')
  return /** @type {const} */ ([`examples/${file}`, `\`\`\`js\n${code}\`\`\``])
})
/** @param {string} text those that the page has a place for */
const withExamples = (text) =>
  fillTables(text, Object.fromEntries(examples.filter(([name]) => text.includes(`<!-- ${name}:begin -->`))))
/** @param {keyof typeof tablesOf} page */
const ownTables = (page) => Object.fromEntries(tablesOf[page].map((name) => [name, tables[name]]))
/** @type {[page: string, generate: (text: string) => string][]} */
const pagesWithTables = /** @type {(keyof typeof tablesOf)[]} */ (Object.keys(tablesOf)).map((page) => [
  page,
  (text) => fillTables(text, ownTables(page)),
])
const benchmarks = cpuDocs(JSON.parse(readFileSync(join(root, 'docs', 'benchmarks.json'), 'utf8')))
/** @type {Record<string, (text: string) => string>} */
const documents = {
  ...Object.fromEntries(pagesWithTables),
  ...Object.fromEntries(Object.entries(benchmarks).map(([name, text]) => [`docs/${name}`, () => text])),
  'docs/embedding.md': withExamples,
  'docs/serving.md': (text) => withExamples(fillTables(text, ownTables('docs/serving.md'))),
  'docs/reliability.md': () => renderReliability(readSections(root)),
  'lib/options/given.ts': () => renderOptionTypes(optionTables),
}
for (const [name, generate] of Object.entries(documents)) {
  const path = join(root, name)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const generated = generate(text)
  if (generated === text) continue
  if (!values.check) writeFileSync(path, generated)
  else {
    console.error(`${name} is not as generated. Run: npm run docs`)
    process.exitCode = 1
  }
}
