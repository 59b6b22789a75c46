#!/usr/bin/env node
// `npm run bench`: times shinsaku beside what a user would otherwise run. Every side is a process of its own that waits
// while another works, and the rounds go round all sides, so that all see the same machine in the same minutes.
//   npm run bench -- [--only forward,train,dcgan,sample,startup,ingest,life] [--who shinsaku,eager,...] [--rounds 8]
//     [--variant 2.3] [--dim 64] [--dim-mults 1,2,4,8] [--size 128] [--batch 1] [--threads 2] [--steps 8]
//     [--isa avx2] [--json FILE] [--docs] [--note TEXT] [--from FILE]
// --isa holds every side of forward, train and dcgan to what a smaller processor has.
// Without --variant, --size or --batch each kind of work has the cases of cases.mjs. --json writes
// { machine, rows: [{ work, who, median, min, rounds, unit }] }; --docs puts the rows into docs/benchmarks.json, in place
// of earlier ones of the same work, and makes docs/benchmarks.md and its chart of that file; --note says there what else is
// to know of the machine. --from reads rows instead of measuring. The peers are installed into the user's cache at the
// first use.
import { readFileSync, writeFileSync } from 'node:fs'
import { casesOf } from './cases.mjs'
import { parseFlags } from './flags.mjs'
import { machine } from './machine.mjs'
import { measure } from './measure.mjs'
import { writeDocs } from './report.mjs'
import { table } from './table.mjs'

async function main() {
  const flags = parseFlags(process.argv.slice(2))
  if (flags.from) {
    const { machine: there, rows } = JSON.parse(readFileSync(flags.from, 'utf8'))
    console.log(table(rows))
    if (flags.docs) writeDocs(rows, { ...there, ...(flags.note && { note: flags.note }) })
    return
  }
  const here = await machine(flags)
  const { processor, threads, versions } = here
  const rows = []
  console.log(`${processor}; ${versions}; ${here.date}`)
  for (const one of casesOf(flags)) {
    const found = await measure(one, here)
    rows.push(...found.map((row) => ({ ...row, date: here.date })))
    console.log(table(found))
    // After each case, so that a run that is broken off keeps what it has.
    if (flags.json)
      writeFileSync(flags.json, `${JSON.stringify({ machine: { processor, threads, versions }, rows }, null, 1)}\n`)
  }
  if (flags.docs) writeDocs(rows, { ...here, ...(flags.note && { note: flags.note }) })
}

await main().catch((error) => {
  console.error(error.usage ? `${error.message}\nSee the head of bench/bench.mjs.` : error)
  process.exitCode = error.usage ? 2 : 1
})
