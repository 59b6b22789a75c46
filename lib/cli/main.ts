#!/usr/bin/env node
/** The `shinsaku` command. */
import { ignoredHangup, startedHow } from '../system/hangup.ts'
import { stopSignals } from './io.ts'
import { runCommandLine } from './program.ts'

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const { stdout, stderr } = process
const ignoresHangup = ignoredHangup(startedHow())
// Node would end at it.
if (ignoresHangup) process.on('SIGHUP', () => {})
process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout,
  stderr,
  signals: process,
  stopSignals: stopSignals.filter((signal) => signal !== 'SIGHUP' || !ignoresHangup),
  exit: (code) => process.exit(code),
})
