#!/usr/bin/env node
// Reading pictures, beside Pillow and torchvision's DataLoader on the same cores. Rounds are interleaved.
//   node scripts/bench/ingest.mjs --python PYTHON [--size 128] [--threads N] [--rounds 3] [--count 200] [--json FILE]
// PYTHON has torch, torchvision and Pillow. Prints images a second, and the seconds of ten epochs: ours decodes once.
// Also a module: `ingestRows(options)` gives the rows { work, who, median, min, rounds }, in milliseconds a picture
// for "ingest ..." and in seconds for "10 epochs ...".
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import sharp from 'sharp'

const SOURCES = [128, 256, 512, 1024].flatMap((side) => ['png', 'jpg'].map((format) => ({ side, format })))
const EPOCHS = 10

/** Pictures that compress as photographs do: smooth, with some noise. */
async function drawFolder(folder, { side, format }, count) {
  for (let n = 0; n < count; n++) {
    const pixels = Buffer.alloc(side * side * 3)
    let state = n + 1
    for (let i = 0, y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        for (let c = 0; c < 3; c++) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0
          const wave = Math.sin(((x * (c + 1) + 2 * y) / side) * (4 + (n % 7)) + n) + Math.cos(((y - x) / side) * 9 + c)
          pixels[i++] = 128 + 50 * wave + (state >>> 28) - 8
        }
      }
    }
    const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    const file = join(folder, `${String(n).padStart(5, '0')}.${format}`)
    await (format === 'png' ? image.png() : image.jpeg({ quality: 90 })).toFile(file)
  }
}

/** A start of ours in a process of its own: the first decodes, a second would find the cache. */
async function ours(folder, size, threads, cacheFolder) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(import.meta.url), '--load', folder, '--size', String(size), '--cache', cacheFolder],
    { env: { ...process.env, UV_THREADPOOL_SIZE: String(Math.max(4, threads)) } },
  )
  return JSON.parse(stdout)
}

async function loadOnce(folder, size, cacheFolder) {
  const [{ loadDataset }, { resolveTrain }] = await Promise.all([
    import('../../dist/dataset/dataset.js'),
    import('../../dist/options/resolve.js'),
  ])
  const begun = performance.now()
  const { count } = await loadDataset(resolveTrain({ data: folder, size }), { cacheFolder })
  process.stdout.write(JSON.stringify({ images: count, seconds: (performance.now() - begun) / 1000 }))
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

export async function ingestRows({
  python,
  size = 128,
  threads = availableParallelism(),
  rounds = 3,
  count = 200,
  log = () => {},
}) {
  const peer = fileURLToPath(new URL('ingest.py', import.meta.url))
  const times = new Map()
  const add = (work, who, value) => {
    const key = JSON.stringify([work, who])
    times.set(key, [...(times.get(key) ?? []), value])
  }
  for (const source of SOURCES) {
    const name = `${source.format} ${source.side} px`
    const folder = mkdtempSync(join(tmpdir(), 'shinsaku-ingest-'))
    try {
      await drawFolder(folder, source, count)
      for (let round = 0; round < rounds; round++) {
        const cache = mkdtempSync(join(tmpdir(), 'shinsaku-cache-'))
        const first = await ours(folder, size, threads, cache)
        const again = await ours(folder, size, threads, cache)
        rmSync(cache, { recursive: true })
        add(`ingest ${name}`, 'shinsaku', (first.seconds / first.images) * 1000)
        add(`ingest again ${name}`, 'shinsaku', (again.seconds / again.images) * 1000)
        // After the first, an epoch reads the pixels from memory: training, not reading, is what is left.
        add(`${EPOCHS} epochs ${name}`, 'shinsaku', first.seconds)
        const lines = execFileSync(python, [peer, folder, String(size), String(threads), String(EPOCHS)], {
          encoding: 'utf8',
        })
        for (const { who, images, seconds } of lines.trim().split('\n').map(JSON.parse)) {
          if (who.endsWith(`x${EPOCHS}`)) add(`${EPOCHS} epochs ${name}`, 'torchvision', seconds)
          else add(`ingest ${name}`, who, (seconds / images) * 1000)
        }
        log(`${name}, round ${round + 1} of ${rounds}`)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  return [...times].map(([key, values]) => {
    const [work, who] = JSON.parse(key)
    return { work, who, median: median(values), min: Math.min(...values), rounds: values.length }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = (text) => (text === undefined ? undefined : Number(text))
  const { values } = parseArgs({
    options: Object.fromEntries(
      ['python', 'size', 'threads', 'rounds', 'count', 'json', 'load', 'cache'].map((name) => [
        name,
        { type: 'string' },
      ]),
    ),
  })
  if (values.load) await loadOnce(values.load, Number(values.size), values.cache)
  else if (!values.python) {
    console.error('Give --python: a Python with torch, torchvision and Pillow.')
    process.exitCode = 2
  } else {
    const given = {
      size: number(values.size),
      threads: number(values.threads),
      rounds: number(values.rounds),
      count: number(values.count),
    }
    const rows = await ingestRows({
      python: values.python,
      ...Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)),
      log: console.error,
    })
    for (const { work, who, median: middle, min } of rows) {
      const unit = work.startsWith('ingest')
        ? `${middle.toFixed(2)} ms (${Math.round(1000 / middle)} images/s)`
        : `${middle.toFixed(2)} s`
      console.log(`${work.padEnd(28)} ${who.padEnd(12)} ${unit}, least ${min.toFixed(2)}`)
    }
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 1)}\n`)
  }
}
