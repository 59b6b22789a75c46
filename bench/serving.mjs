#!/usr/bin/env node
// How fast `shinsaku serve` answers: pictures a second, latency, the first preview, and processor time, by clients at once.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../scripts/bootstrap.mjs'
import { readFlags } from '../scripts/flags.mjs'
import { median } from './rows.mjs'

const { values, words } = readFlags({
  command: 'node bench/serving.mjs',
  words: 'RUN',
  about: 'How fast a model is served, in rounds with few and many clients in turn. Needs a build.',
  flags: {
    json: { help: 'prints JSON' },
    clients: { value: 'N,...', default: '1,4,16', help: 'clients at once' },
    rounds: { value: 'N', default: '3', help: 'rounds of each' },
    pictures: { value: 'N', default: '1', help: 'pictures that each client asks for in a round, one after the other' },
    steps: { value: 'N', default: '20', help: 'denoising steps' },
    batch: { value: 'N', help: 'rows of a batch (usual: those of the server)' },
    threads: { value: 'N', default: '0', help: 'threads of the server' },
  },
})
const [pictures, steps] = [Number(values.pictures), Number(values.steps)]
const numbers = values.clients.split(',').map(Number)

const program = join(root, 'dist', 'cli', 'main.js')
const limits = ['--max-per-client', '1000', '--max-queue', '1000', '--max-wait', '1h', '--max-steps', '10000']
const flags = [...limits, '--threads', values.threads, ...(values.batch ? ['--batch', values.batch] : [])]
const server = spawn(process.execPath, [program, 'serve', ...words, '--port', '0', '--json', ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
})

/** Of the server since it began, by the kernel's clock of 100 ticks a second. */
function cpuSeconds() {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** One picture; seconds until its first preview and until it is there. @param {string} url @param {number} seed */
async function ask(url, seed) {
  const begun = performance.now()
  const response = await fetch(`${url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed, steps, stream: true, partial_images: 10 }),
  })
  let [text, first] = ['', 0]
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (first === 0 && text.includes('partial_image')) first = (performance.now() - begun) / 1000
  }
  if (!text.includes('image_generation.completed')) throw new Error(text.slice(0, 300))
  return { first, whole: (performance.now() - begun) / 1000 }
}

try {
  /** @type {Promise<string>} */
  const firstLine = new Promise((resolve, reject) => {
    createInterface(server.stdout).once('line', resolve)
    server.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
  })
  const { url } = JSON.parse(await firstLine)
  /** @type {Map<number, { speed: number, cpu: number, first: number[], whole: number[] }[]>} */
  const rounds = new Map(numbers.map((clients) => [clients, []]))
  let seed = 1
  await ask(url, seed)
  for (let round = 0; round < Number(values.rounds); round++)
    for (const clients of numbers) {
      const [cpu, begun] = [cpuSeconds(), performance.now()]
      const answers = await Promise.all(
        Array.from({ length: clients }, async () => {
          const own = []
          for (let i = 0; i < pictures; i++) own.push(await ask(url, seed++))
          return own
        }),
      )
      const seconds = (performance.now() - begun) / 1000
      const all = answers.flat()
      rounds.get(clients)?.push({
        speed: all.length / seconds,
        cpu: (cpuSeconds() - cpu) / all.length,
        first: all.map(({ first }) => first),
        whole: all.map(({ whole }) => whole),
      })
    }
  const rows = [...rounds].map(([clients, measured]) => ({
    clients,
    speed: median(measured.map(({ speed }) => speed)),
    cpu: median(measured.map((one) => one.cpu)),
    first: median(measured.flatMap(({ first }) => first)),
    whole: median(measured.flatMap(({ whole }) => whole)),
  }))
  const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
  if (values.json) console.log(JSON.stringify({ steps, load, rows }))
  else {
    console.log('| clients | pictures a second | processor seconds a picture | first preview, s | picture, s |')
    console.log('| ---: | ---: | ---: | ---: | ---: |')
    for (const { clients, ...figures } of rows)
      console.log(`| ${[clients, ...Object.values(figures).map((figure) => figure.toPrecision(3))].join(' | ')} |`)
    console.log(`\n${steps} steps; medians of ${values.rounds} rounds; load of the machine at the end: ${load}`)
  }
} finally {
  server.kill('SIGKILL')
}
