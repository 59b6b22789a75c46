// Images a second of the server, at 1, 4 and 16 clients, beside a FastAPI server of diffusers-like form of the same network.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { root } from '../scripts/bootstrap.mjs'
import { readFlags } from '../scripts/flags.mjs'

const { values } = readFlags({
  command: 'node bench/serving.mjs',
  about:
    'Serves a run, and a model of the same shape with PyTorch, and asks both. Needs dist/, and FastAPI for the second.',
  flags: {
    run: { value: 'PATH', help: 'the run folder', default: 'runs' },
    seconds: { value: 'N', help: 'time of each measurement', default: '15' },
    steps: { value: 'N', help: 'denoising steps', default: '10' },
    python: { value: 'PATH', help: 'a Python with torch, fastapi and uvicorn; without one, only ours is measured' },
  },
})

/** @param {string} program @param {string[]} args */
async function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { url: JSON.parse(line).url, end: () => child.kill('SIGTERM') }
}

/** Asks with so many clients at once. @param {string} url @param {number} clients @param {number} seconds */
async function measure(url, clients, seconds) {
  const body = JSON.stringify({ steps: Number(values.steps) })
  const ask = async () => {
    const begun = performance.now()
    const response = await fetch(`${url}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    return performance.now() - begun
  }
  await ask()
  /** @type {number[]} */
  const times = []
  const begun = performance.now()
  const end = begun + seconds * 1000
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) times.push(await ask())
    }),
  )
  times.sort((a, b) => a - b)
  const took = (performance.now() - begun) / 1000
  return { clients, imagesPerSecond: times.length / took, medianMs: times[times.length >> 1], n: times.length }
}

const servers = [
  {
    name: 'shinsaku',
    program: process.execPath,
    args: [`${root}/dist/cli/main.js`, 'serve', `served=${values.run}`, '--port', '0', '--json', '--mark', 'none'],
  },
  ...(values.python
    ? [
        {
          name: 'fastapi',
          program: values.python,
          args: [fileURLToPath(new URL('peer/serving.py', import.meta.url)), '--run', values.run],
        },
      ]
    : []),
]
const results = []
for (const { name, program, args } of servers) {
  const server = await start(program, args)
  for (const clients of [1, 4, 16])
    results.push({ name, ...(await measure(server.url, clients, Number(values.seconds))), load: loadavg()[0] })
  server.end()
}
console.log(JSON.stringify(results, null, 1))
