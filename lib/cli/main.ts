#!/usr/bin/env node
/** The `shinsaku` command. */
import { runCommandLine } from './program.ts'

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const { stdout, stderr } = process
process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout,
  stderr,
  signals: process,
  exit: (code) => process.exit(code),
})
