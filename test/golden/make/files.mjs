#!/usr/bin/env node
// Writes the files that test/golden/make/files.py reads with the programs that other people read them with, and what
// test/unit/formats.test.ts writes again, byte for byte.
import { readFlags, refuse } from '../../../scripts/flags.mjs'
import { writeFormats } from './formats.mjs'

const { words } = readFlags({
  command: 'node test/golden/make/files.mjs',
  words: 'FOLDER',
  about: 'Writes a safetensors file and an event file, for test/golden/make/files.py to read. Needs dist/.',
})
const [folder] = words
if (!folder || words.length > 1) refuse('give one folder')
const { openEvents } = await import('../../../dist/run/events.js')
const { writeSafetensors } = await import('../../../dist/safetensors/safetensors.js')

await writeFormats(folder, { openEvents, writeSafetensors })
