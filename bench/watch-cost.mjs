#!/usr/bin/env node
// What an open page costs the run that it shows: windows of training with a page open and without one, in turn.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { root } from '../scripts/bootstrap.mjs'
import { readFlags } from '../scripts/flags.mjs'
import { median } from './rows.mjs'

const { values } = readFlags({
  command: 'node bench/watch-cost.mjs',
  about: 'What an open page costs the run that it shows: windows with a page open and without one. Needs a build.',
  flags: {
    json: { help: 'prints JSON' },
    pairs: { value: 'N', default: '5', help: 'pairs of windows' },
    seconds: { value: 'N', default: '10', help: 'length of a window' },
  },
})
const [pairs, seconds] = [Number(values.pairs), Number(values.seconds)]
const folder = mkdtempSync(join(tmpdir(), 'shinsaku-watch-'))
const program = join(root, 'dist', 'cli', 'main.js')
const start = (/** @type {string[]} */ ...args) =>
  spawn(process.execPath, [program, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
const firstLine = async (/** @type {import('node:child_process').ChildProcess} */ child) =>
  JSON.parse(String((await child.stdout?.[Symbol.asyncIterator]().next())?.value).split('\n')[0] ?? '')

/** Of a process since it began, by the kernel's clock of 100 ticks a second. @param {number} pid */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const flags = '--size 16 --dim 8 --dim-mults 1,2 --threads 1 --batch 8 --log-images 8 --max-images 100000000 --json'
const training = start('train', 'builtin:icons', ...flags.split(' '))
const children = [training]
try {
  await firstLine(training)
  const watching = start('watch', 'runs', '--port', '0', '--json')
  children.push(watching)
  const { url } = await firstLine(watching)
  const listed = /** @type {{ name: string }[]} */ (await (await fetch(`${url}/api/runs`)).json())
  const name = listed[0]?.name ?? ''
  training.stdout?.resume()

  /** Images a second, and what the page's server took of a processor. @param {boolean} open */
  const window = async (open) => {
    const abort = new AbortController()
    let bytes = 0
    const page = open ? await fetch(`${url}/api/events?run=${name}`, { signal: abort.signal }) : undefined
    const reading = (async () => {
      for await (const chunk of page?.body ?? []) bytes += chunk.length
    })().catch(() => {})
    const from = {
      cpu: cpuSeconds(watching.pid ?? 0),
      own: cpuSeconds(training.pid ?? 0),
      lines: lines(),
      at: performance.now(),
    }
    await wait(seconds * 1000)
    const took = (performance.now() - from.at) / 1000
    const result = {
      images: (lines() - from.lines) * 8,
      speed: ((lines() - from.lines) * 8) / took,
      cpu: (cpuSeconds(watching.pid ?? 0) - from.cpu) / took,
      trainingCpu: cpuSeconds(training.pid ?? 0) - from.own,
    }
    abort.abort()
    await reading
    return { ...result, bytes }
  }
  const lines = () => readFileSync(join(folder, 'runs', name, 'metrics.jsonl'), 'utf8').split('\n').length

  await window(true)
  /** @type {{ open: Awaited<ReturnType<typeof window>>, closed: Awaited<ReturnType<typeof window>> }[]} */
  const results = []
  for (let pair = 0; pair < pairs; pair++) {
    // The order changes, so that a machine that gets slower or faster favours neither.
    const first = await window(pair % 2 === 0)
    const second = await window(pair % 2 === 1)
    results.push(pair % 2 === 0 ? { open: first, closed: second } : { open: second, closed: first })
  }
  const ofProcessor = ({ images, trainingCpu }) => images / trainingCpu
  const result = {
    pairs,
    seconds,
    speedRatio: median(results.map(({ open, closed }) => open.speed / closed.speed)),
    /** Images for each second of processor time of the run itself: what other programs do is not in it. */
    workRatio: median(results.map(({ open, closed }) => ofProcessor(open) / ofProcessor(closed))),
    serverShareOpen: median(results.map(({ open }) => open.cpu)),
    serverShareClosed: median(results.map(({ closed }) => closed.cpu)),
  }
  const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(2)} %`
  const text = [
    `${pairs} pairs of windows of ${seconds} s: images a second with the page open are ${percent(result.speedRatio)} of those without`,
    `images for each second of the run's own processor time: ${percent(result.workRatio)}`,
    `the page's server takes ${percent(result.serverShareOpen)} of one core with a page open, ${percent(result.serverShareClosed)} with none`,
  ]
  console.log(values.json ? JSON.stringify(result) : text.join('\n'))
} finally {
  for (const child of children) {
    const ended = child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : undefined
    child.kill('SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}
