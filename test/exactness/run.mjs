#!/usr/bin/env node
// `npm run exactness`: runs the Python programs that shinsaku follows, runs shinsaku, and compares bit for bit.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from '../../scripts/bootstrap.mjs'
import { readFlags } from '../../scripts/flags.mjs'
import { labelOf, readCommandLine, SNAPSHOTS, usage } from './cases.mjs'
import * as report from './report.mjs'

if (process.argv[2] === 'metrics') {
  await import('./metrics.mjs')
  process.exit()
}
readFlags(usage)
const request = readCommandLine(process.argv.slice(2))
const { json, docs, golden, from } = request.output
const docsFile = join(root, 'docs', 'exactness.md')
if (from) {
  const read = async (file) => JSON.parse(await readFile(file, 'utf8'))
  const summary = report.joined(await Promise.all(from.map(read)))
  if (json) await writeFile(json, `${JSON.stringify(summary, null, 1)}\n`)
  if (docs) await writeFile(docsFile, report.page(summary))
  process.exit()
}
await bootstrap()
// Found before the cache moves: libtorch and the venv lie in it.
const [{ loadNative }, { openReferences }, { runOurs }, { compare }, { goldenOf }] = await Promise.all([
  import('../../dist/native/load.js'),
  import('./venv.mjs'),
  import('./ours.mjs'),
  import('./compare.mjs'),
  import('./golden.mjs'),
])
const runReference = await openReferences((line) => console.error(`[exactness] ${line}`))
const { addon, libtorch } = await loadNative()

const scriptOf = ({ model }) => (model === 'dcgan' ? 'dcgan.py' : 'lucidrains.py')
const familyOf = ({ model, variant }) => `${model} ${variant}`

/** What a case needs beside its options: when to look closely, and where to leave what. */
async function placeCase(given, folder) {
  const snapshots = [...new Set([...SNAPSHOTS.filter((step) => step < given.steps), given.steps])]
  const placed = {
    ...given,
    snapshots,
    out: folder,
    pictures: join(folder, 'pictures'),
    pixels: join(folder, 'pixels.bin'),
  }
  await mkdir(folder)
  await writeFile(join(folder, 'case.json'), JSON.stringify(placed))
  return placed
}

/** Runs all cases of one reference: shinsaku here, the reference in one process of Python. */
async function runFamily(cases, work) {
  const runs = []
  for (const given of cases) {
    const placed = await placeCase(given, await mkdtemp(join(work, 'case-')).then((folder) => join(folder, 'case')))
    runs.push({ given: placed, name: labelOf(given), ours: await runOurs(addon, placed) })
  }
  const files = runs.map(({ given }) => join(given.out, 'case.json'))
  // Not awaited: shinsaku computes the next family beside it.
  const compared = runReference(scriptOf(cases[0]), files, cases[0].variant).then(async () => {
    const results = []
    for (const run of runs) {
      results.push({ ...run, ...(await compare(run.given, run.ours)) })
      console.log(report.caseLine(results.at(-1)))
    }
    return results
  })
  compared.catch(() => {})
  return { compared }
}

const work = await mkdtemp(join(tmpdir(), 'shinsaku-exactness-'))
const results = []
const failed = []
try {
  const families = new Map()
  for (const given of request.cases) families.set(familyOf(given), [...(families.get(familyOf(given)) ?? []), given])
  const running = []
  for (const [family, cases] of families) running.push([family, await runFamily(cases, work)])
  for (const [family, { compared }] of running) {
    // One reference that fails must not cost what the others found.
    results.push(
      ...(await compared.catch((error) => {
        failed.push(family)
        console.error(`${family}: ${error.message}`)
        return []
      })),
    )
  }
} finally {
  await rm(work, { recursive: true, force: true })
}

const summary = await report.summaryOf(addon, libtorch, results)
const { rows } = summary
if (json) await writeFile(json, `${JSON.stringify(summary, null, 1)}\n`)
if (docs) await writeFile(docsFile, report.page(summary))
if (golden && failed.length === 0) {
  const file = join(root, 'test', 'golden', 'exactness.json')
  const known = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : undefined
  await writeFile(file, goldenOf(summary, results, known))
}
const identical = rows.filter((row) => row.identical).length
console.log(`${identical} of ${rows.length} rows are identical to the bit, in ${results.length} cases`)
for (const family of failed) console.log(`failed: ${family}`)
process.exit(identical === rows.length && failed.length === 0 ? 0 : 1)
