// Writes the files that test/golden/make/files.py reads with the programs that other people read them with, and what
// test/unit/formats.test.ts writes again, byte for byte. Needs dist/:   node test/golden/make/files.mjs FOLDER
import { openEvents } from '../../../dist/run/events.js'
import { writeSafetensors } from '../../../dist/safetensors/safetensors.js'
import { writeFormats } from './formats.mjs'

await writeFormats(process.argv[2], { openEvents, writeSafetensors })
