#!/usr/bin/env node
// `npm run demo`: sets everything up, trains a small model on the built-in icons, and samples a grid from it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

readFlags({
  command: 'npm run demo',
  about: 'Sets everything up, trains a small model on the built-in icons for five minutes, and samples a grid from it.',
})

// Small enough for two CPU cores: a few minutes show heads, though not yet good ones.
const options = [
  '--size',
  '32',
  '--dim',
  '16',
  '--dim-mults',
  '1,2,4',
  '--max-time',
  '5m',
  '--max-images',
  '60000',
  '--lr',
  '5e-4',
  '--checkpoint-time',
  '1m',
]

await bootstrap()
const out = mkdtempSync(join(tmpdir(), 'shinsaku-demo-'))
const cli = (/** @type {string[]} */ ...args) =>
  execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
const { run } = JSON.parse(
  cli('train', 'builtin:icons', '--out', out, '--json', ...options)
    .trim()
    .split('\n')
    .at(-1) ?? '',
)
const grid = join(out, 'grid.png')
cli('sample', run, '--count', '36', '--seed', '1', '--out', grid)
console.log(`The run:      ${run}`)
console.log(`Its pictures: ${grid}`)
