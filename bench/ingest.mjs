// Reading pictures, beside Pillow and torchvision's DataLoader on the same cores: milliseconds a picture, and the seconds
// of ten epochs, of which ours decodes in the first only. Rounds are interleaved.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { row } from './rows.mjs'

/** @import { Case } from './cases.mjs' */
/** @import { Machine } from './machine.mjs' */
/** @typedef {{ side: number, format: string }} Source */

const SOURCES = [128, 256, 512, 1024].flatMap((side) => ['png', 'jpg'].map((format) => ({ side, format })))
const EPOCHS = 10
const PICTURES = 100
const self = fileURLToPath(import.meta.url)

/**
 * Pictures that compress as photographs do: smooth, with some noise.
 * @param {string} folder
 * @param {Source} source
 * @param {number} count
 */
async function makePictures(folder, { side, format }, count) {
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

/**
 * A start of ours in a process of its own: the first decodes, a second would find the cache.
 * @param {string} folder
 * @param {number} size
 * @param {number} threads
 * @param {string} cacheFolder
 * @returns {Promise<{ images: number, seconds: number }>}
 */
async function ours(folder, size, threads, cacheFolder) {
  const { stdout } = await promisify(execFile)(process.execPath, [self, folder, String(size), cacheFolder], {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(Math.max(4, threads)) },
  })
  return JSON.parse(stdout)
}

/**
 * @param {string} folder
 * @param {number} size
 * @param {string} cacheFolder
 */
async function loadOnce(folder, size, cacheFolder) {
  const [{ loadDataset }, { resolveTrain }] = await Promise.all([
    import('../dist/data/dataset.js'),
    import('../dist/options/resolve.js'),
  ])
  const begun = performance.now()
  const { store } = await loadDataset(resolveTrain({ data: folder, size }), { cacheFolder })
  process.stdout.write(JSON.stringify({ images: store.count, seconds: (performance.now() - begun) / 1000 }))
}

/** @param {Case} one @param {Machine} machine */
export async function ingestRows({ settings: { size, threads }, rounds }, { venv }) {
  if (!venv) throw new Error('reading pictures is compared on a CPU')
  const peer = fileURLToPath(new URL('ingest.py', import.meta.url))
  /** @type {Map<string, number[]>} */
  const times = new Map()
  const add = (/** @type {string} */ work, /** @type {string} */ who, /** @type {number} */ value) => {
    const key = JSON.stringify([work, who])
    times.set(key, [...(times.get(key) ?? []), value])
  }
  for (const source of SOURCES) {
    const name = `${source.format} ${source.side} px`
    const folder = mkdtempSync(join(tmpdir(), 'shinsaku-ingest-'))
    try {
      await makePictures(folder, source, PICTURES)
      for (let round = 0; round < rounds; round++) {
        const cache = mkdtempSync(join(tmpdir(), 'shinsaku-cache-'))
        const first = await ours(folder, size, threads, cache)
        const again = await ours(folder, size, threads, cache)
        rmSync(cache, { recursive: true })
        add(`ingest ${name}`, 'shinsaku', (first.seconds / first.images) * 1000)
        add(`ingest again ${name}`, 'shinsaku', (again.seconds / again.images) * 1000)
        // After the first, an epoch reads the pixels from memory: training, not reading, is what is left.
        add(`${EPOCHS} epochs ${name}`, 'shinsaku', first.seconds)
        const lines = execFileSync(venv.python, [peer, folder, String(size), String(threads), String(EPOCHS)], {
          encoding: 'utf8',
          env: venv.env(),
        })
        for (const { who, images, seconds } of lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))) {
          if (who.endsWith(`x${EPOCHS}`)) add(`${EPOCHS} epochs ${name}`, 'torchvision', seconds)
          else add(`ingest ${name}`, who, (seconds / images) * 1000)
        }
        console.error(`${name}, round ${round + 1} of ${rounds}`)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  return [...times].map(([key, values]) => {
    const [work, who] = JSON.parse(key)
    return row(work, who, values, work.startsWith(`${EPOCHS}`) ? 's' : 'ms')
  })
}

if (process.argv[1] === self) {
  const [folder = '', size, cacheFolder = ''] = process.argv.slice(2)
  await loadOnce(folder, Number(size), cacheFolder)
}
