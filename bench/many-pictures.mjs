#!/usr/bin/env node
// Training on more pictures than fit into memory: how long a start takes with the cache there, what memory it takes, and
// images a second of pixels in a file beside pixels in memory, in turn.
import { fork } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags } from '../scripts/flags.mjs'
import { median } from './rows.mjs'

const self = fileURLToPath(import.meta.url)
const SIDE = 64
const PER_SHARD = 10_000
const BLOCK = 512

/** @typedef {{ data: string, pixelStore: 'file' | 'memory', images: number, out: string }} Given */
/** @typedef {{ start: number, perImage: number, peak: number, resident: number }} Measured */

/** A picture that is like no other: 4 x 4 random colours, enlarged. @param {number} number */
async function picture(number) {
  const { default: sharp } = await import('sharp')
  let state = number + 1
  const colours = Buffer.from(
    Array.from({ length: 48 }, () => {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
      return state >>> 24
    }),
  )
  return sharp(colours, { raw: { width: 4, height: 4, channels: 3 } })
    .resize(SIDE, SIDE)
    .jpeg()
    .toBuffer()
}

/** @param {string} path @param {number} first @param {number} count */
async function makeShard(path, first, count) {
  const { Header } = await import('tar')
  const stream = createWriteStream(`${path}.part`)
  for (let done = 0; done < count; done += 100) {
    const numbers = Array.from({ length: Math.min(100, count - done) }, (_, i) => first + done + i)
    for (const [i, bytes] of (await Promise.all(numbers.map(picture))).entries()) {
      const block = Buffer.alloc(BLOCK)
      new Header({ path: `${numbers[i]}.jpg`, size: bytes.length, type: 'File', mode: 0o644 }).encode(block, 0)
      stream.write(block)
      stream.write(bytes)
      if (!stream.write(Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)))
        await new Promise((resolve) => stream.once('drain', () => resolve(undefined)))
    }
  }
  await new Promise((resolve) => stream.end(Buffer.alloc(2 * BLOCK), () => resolve(undefined)))
  renameSync(`${path}.part`, path)
}

/** Of this process, in megabytes. @param {'VmRSS' | 'VmHWM'} field */
const memoryOf = (field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1000

/** Trains a little, in a process of its own. @param {Given} given @returns {Promise<Measured>} */
async function measure({ data, pixelStore, images, out }) {
  const { train } = await import('../dist/index.js')
  const begun = performance.now()
  const small = { size: SIDE, dim: 8, dimMults: [1, 1, 1, 1], batch: 8, threads: 1, device: 'cpu', precision: 'fp32' }
  const quiet = { previews: 0, guard: false, maxImages: images, out }
  const run = train(/** @type {any} */ ({ ...small, ...quiet, data, pixelStore }))
  /** @type {{ start: number, images: number, cpu: NodeJS.CpuUsage } | undefined} */
  let from
  let seen = 0
  for await (const status of run) {
    from ??= { start: (performance.now() - begun) / 1000, images: status.images, cpu: process.cpuUsage() }
    seen = status.images
  }
  if (!from) throw new Error('there was no status')
  const { user, system } = process.cpuUsage(from.cpu)
  const perImage = (user + system) / 1000 / (seen - from.images)
  return { start: from.start, perImage, peak: memoryOf('VmHWM'), resident: memoryOf('VmRSS') }
}

/** With a cache of its own, and the libtorch that is at hand. @param {Given} given @param {string} cache @returns {Promise<Measured>} */
async function inChild(given, cache) {
  const { findLibtorch } = await import('../dist/libtorch/find.js')
  const env = { ...process.env, LIBTORCH: findLibtorch().root, SHINSAKU_CACHE: cache }
  const child = fork(self, ['--child', JSON.stringify(given)], { env })
  return new Promise((resolve, reject) => {
    child.on('message', (message) => resolve(/** @type {Measured} */ (message)))
    child.on('exit', (code) => reject(new Error(`a run ended with ${code}`)))
  })
}

const { values } = readFlags({
  command: 'node bench/many-pictures.mjs',
  about: 'A start and training with many pictures, in a file and in memory. Needs a build.',
  flags: {
    pictures: { value: 'N', default: '200000', help: 'how many' },
    rounds: { value: 'N', default: '3', help: 'runs of each kind of store' },
    images: { value: 'N', default: '1600', help: 'images that a run trains on' },
    folder: { value: 'FOLDER', help: 'keeps the pictures and the cache for another time' },
    child: { value: 'JSON', help: 'one run; for the program itself' },
  },
})

async function main() {
  const [pictures, rounds, images] = [Number(values.pictures), Number(values.rounds), Number(values.images)]
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'shinsaku-many-'))
  const cache = join(folder, 'cache')
  mkdirSync(cache, { recursive: true })
  const shards = Math.ceil(pictures / PER_SHARD)
  const digits = String(shards - 1).length
  const name = (/** @type {number} */ shard) => join(folder, `${String(shard).padStart(digits, '0')}.tar`)
  try {
    for (let shard = 0; shard < shards; shard++)
      if (!existsSync(name(shard)))
        await makeShard(name(shard), shard * PER_SHARD, Math.min(PER_SHARD, pictures - shard * PER_SHARD))
    const data = join(folder, `{${'0'.repeat(digits)}..${shards - 1}}.tar`)
    const out = join(folder, 'runs')
    /** @param {Partial<Given>} given */
    const run = (given) => inChild({ data, pixelStore: 'file', images, out, ...given }, cache)
    const show = (/** @type {string} */ what, /** @type {Measured} */ { start, perImage, peak, resident }) =>
      console.log(
        `${what}: ready after ${start.toFixed(1)} s, ${perImage.toFixed(3)} ms of processor an image, RSS ${resident.toFixed(0)} MB, at most ${peak.toFixed(0)} MB`,
      )
    show('16 built-in icons', await run({ data: 'builtin:icons:16', pixelStore: 'memory', images: 320 }))
    show(`${pictures} pictures, first start`, await run({ images: 320 }))
    /** @type {Record<'file' | 'memory', Measured[]>} */
    const results = { file: [], memory: [] }
    for (let round = 0; round < rounds; round++) {
      for (const pixelStore of round % 2
        ? /** @type {const} */ (['memory', 'file'])
        : /** @type {const} */ (['file', 'memory'])) {
        const measured = await run({ pixelStore })
        results[pixelStore].push(measured)
        show(`round ${round + 1}, ${pixelStore}`, measured)
      }
    }
    const middle = (/** @type {'file' | 'memory'} */ store, /** @type {keyof Measured} */ key) =>
      median(results[store].map((one) => one[key]))
    console.log(
      `processor time an image, file / memory: ${(middle('file', 'perImage') / middle('memory', 'perImage')).toFixed(3)}; start ${middle('file', 'start').toFixed(1)} s; peak ${middle('file', 'peak').toFixed(0)} MB`,
    )
  } finally {
    if (!values.folder) rmSync(folder, { recursive: true })
  }
}

if (values.child) process.send?.(await measure(JSON.parse(values.child)), () => process.exit(0))
else await main()
