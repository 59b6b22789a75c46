#!/usr/bin/env node
// `npm run demo`: sets everything up, trains a model on the built-in icons, and samples a grid from it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

const {
  values: { time },
} = readFlags({
  command: 'npm run demo --',
  about: 'Sets everything up, trains on the built-in icons what fits in a few minutes, and samples a grid from it.',
  flags: { time: { value: 'TIME', default: '5m', help: 'how long it trains' } },
})

await bootstrap()
const out = mkdtempSync(join(tmpdir(), 'shinsaku-demo-'))
const main = join(root, 'dist', 'cli', 'main.js')
/** The last line that a command writes, as JSON. @param {string[]} args */
const cli = (...args) => {
  const text = execFileSync(process.execPath, [main, ...args, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text.trim().split('\n').at(-1) ?? '')
}

const { run } = cli('train', 'builtin:icons', '--time', time, '--out', out)
const grid = join(out, 'grid.png')
cli('sample', run, '--count', '36', '--seed', '1', '--batch', '36', '--out', grid)
// A look by pixels alone, which needs no network from elsewhere.
const { copyShare, n, report } = cli('evaluate', run, '--count', '64', '--extractor', 'none')
const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`
console.log(`The run:      ${run}`)
console.log(`Its pictures: ${grid}`)
console.log(
  `Are they new? ${percent(copyShare.value)} of ${n} samples are copies of training pictures (95 %: ${percent(copyShare.low)} to ${percent(copyShare.high)}); see ${report.html}`,
)
console.log(`More of them: node dist/cli/main.js sample ${run} -n 100 -o ${join(out, 'more.png')}`)
console.log(`Better ones:  node dist/cli/main.js train builtin:icons --time 1h`)
