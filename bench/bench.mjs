#!/usr/bin/env node
// `npm run bench`: times shinsaku beside what a user would otherwise run, on a CPU or a GPU; bench/flags.mjs says how.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { readFlags, refuse, UsageError } from '../scripts/flags.mjs'
import { casesOf } from './cases.mjs'
import { parseFlags, usage } from './flags.mjs'
import { measured, table } from './rows.mjs'

/** @import { Flags } from './flags.mjs' */
/** @import { AnyRow, FailedRow } from './rows.mjs' */

/** The flags; prints the usage or refuses. @returns {Flags} */
function readOwnFlags() {
  readFlags(usage)
  try {
    return parseFlags(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return refuse(error.message)
  }
}

/** After each case, so that a run that is broken off keeps what it has. @param {string | undefined} file @param {object} result */
const keep = (file, result) => file && writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)

/** @param {Flags} flags */
async function benchCpu(flags) {
  const [{ describeCpu }, { measure }, { writeDocs }] = await Promise.all([
    import('./machine.mjs'),
    import('./measure.mjs'),
    import('./report.mjs'),
  ])
  const here = await describeCpu(flags)
  const { processor, threads, versions, date, note } = here
  console.log(`${processor}; ${versions}; fp32; ${date}`)
  const machine = { processor, threads, versions, note }
  /** @type {AnyRow[]} */
  const rows = []
  for (const one of casesOf(flags)) {
    const found = await measure(one, here)
    rows.push(...found.map((row) => ({ ...row, date })))
    console.log(table(found))
    keep(flags.json, { device: 'cpu', machine, rows })
  }
  if (flags.docs) writeDocs(rows, machine)
}

/** @param {Flags} flags */
async function benchCuda(flags) {
  const [{ describeGpu, describeRehearsal }, { Schedule }] = await Promise.all([
    import('./machine.mjs'),
    import('./cuda.mjs'),
  ])
  const schedule = new Schedule(casesOf(flags), flags, describeRehearsal(flags))
  const machine = describeGpu()
  if (flags.wait) await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()
  schedule.begin()
  /** @type {(AnyRow | FailedRow)[]} */
  const rows = []
  const result = async () => ({
    ...{ device: flags.rehearse ? 'rehearsal' : 'cuda', machine: await machine },
    ...{ arguments: process.argv.slice(2), rows, leftOut: schedule.leftOut },
  })
  const write = async () => keep(flags.json, await result())
  for await (const found of schedule.rows()) {
    rows.push(...found)
    console.log(`\n${table(found)}`)
    await write()
  }
  await write()
  for (const title of schedule.leftOut) console.log(`left out for want of time: ${title}`)
  if (flags.docs) (await import('./report.mjs')).writeCudaDocs([{ bench: await result() }])
  process.exit(measured(rows).length > 0 ? 0 : 1)
}

/** What was measured earlier: on a CPU a file of --json, on a GPU the same or a folder of bench/gpu/run.sh. @param {Flags} flags */
async function readEarlier(flags) {
  const { readCudaResults, writeCudaDocs, writeDocs } = await import('./report.mjs')
  const missing = flags.from.find((file) => !existsSync(file))
  if (missing) refuse(`--from ${missing}: there is no such file`)
  if (flags.device === 'cuda') {
    const results = flags.from.map(readCudaResults)
    for (const { bench } of results) if (bench) console.log(table(bench.rows))
    if (flags.docs) writeCudaDocs(results)
    return
  }
  for (const file of flags.from) {
    const { machine, rows } = JSON.parse(readFileSync(file, 'utf8'))
    console.log(table(rows))
    if (flags.docs) writeDocs(rows, { ...machine, ...(flags.note && { note: flags.note }) })
  }
}

const flags = readOwnFlags()
if (flags.from.length > 0) await readEarlier(flags)
else if (flags.device === 'cuda') await benchCuda(flags)
else await benchCpu(flags)
