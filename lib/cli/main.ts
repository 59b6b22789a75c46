#!/usr/bin/env node
/** The `shinsaku` command. */
import { ignoredHangup, startedHow } from '../system/hangup.ts'
import { exitCodes, stopSignals } from './io.ts'
import { Outlet } from './outlet.ts'
import { runCommandLine } from './program.ts'

const ignoresHangup = ignoredHangup(startedHow())
// Node would end at it.
if (ignoresHangup) process.on('SIGHUP', () => {})

const stderr = new Outlet(process.stderr, () => {
  process.exitCode = exitCodes.failed
})
const stdout = new Outlet(process.stdout, (error) => {
  process.exitCode = exitCodes.failed
  stderr.write(`error Could not write to stdout: ${error.message}\n`)
})
const code = await runCommandLine(process.argv.slice(2), {
  stdout,
  stderr,
  signals: process,
  stopSignals: stopSignals.filter((signal) => signal !== 'SIGHUP' || !ignoresHangup),
  exit: (code) => process.exit(code),
})
// Output that failed has set a code already; one of the command says more.
if (code !== exitCodes.done) process.exitCode = code
