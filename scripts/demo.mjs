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
  about:
    'Sets everything up, trains a small model on the built-in icons for about five minutes, and samples a grid from it.',
})

/** Training time that the demo aims at. */
const SECONDS = 285
const PROBE_SECONDS = 15
/** With fewer images than this in the time, pictures of half the side are learned instead. */
const FEW_IMAGES = 7000
const network = ['--dim', '16', '--dim-mults', '1,2,4']

await bootstrap()
const out = mkdtempSync(join(tmpdir(), 'shinsaku-demo-'))
const cli = (/** @type {string[]} */ ...args) =>
  execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
/** Trains, and resolves with the JSON lines that it wrote: statuses, then the run. */
const train = (/** @type {string[]} */ ...args) =>
  cli('train', 'builtin:icons', '--json', ...network, ...args)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** Images a second at this size. */
function measure(/** @type {number} */ size) {
  console.error(`[shinsaku] measuring how fast this machine trains at ${size} pixels: ${PROBE_SECONDS} s ...`)
  const probe = ['--out', join(out, 'probe'), '--max-time', `${PROBE_SECONDS}s`, '--previews', '0']
  return train('--size', String(size), ...probe).at(-2).imagesPerSecond
}

const rate = measure(32)
const size = rate * SECONDS < FEW_IMAGES ? 16 : 32
// A machine that is fast enough sees no more than it needs.
const images = Math.min(60_000, Math.round((size === 32 ? rate : measure(size)) * SECONDS))
console.error(`[shinsaku] training on ${images} images of ${size} pixels, about ${Math.ceil(SECONDS / 60)} minutes`)

// A rate that rises first and falls to zero by the end, and a short average, make the most of a short run.
const short = ['--lr', '4e-3', '--warmup', '1600', '--lr-schedule', 'cosine', '--ema-every', '1']
const length = ['--max-images', String(images), '--checkpoint-time', '1m']
const { run } = train('--size', String(size), '--out', out, ...short, ...length).at(-1)
const grid = join(out, 'grid.png')
cli('sample', run, '--count', '36', '--seed', '1', '--out', grid)
console.log(`The run:      ${run}`)
console.log(`Its pictures: ${grid}`)
console.log(`Better ones:  node dist/cli/main.js train --resume ${run} --max-images ${4 * images}`)
