// Whether a run on a GPU is what it should be: the same seed twice gives the same bytes; losses of shinsaku and of the
// Python reference side by side, from the same weights, pictures, time steps and noise; pictures drawn on the GPU and on
// the CPU. Writes exact.json and losses.csv into --out.
//   node bench/gpu/exact.mjs --out FOLDER [--device cuda|cpu] [--updates 200] [--limit S]
// After --limit seconds Python is ended; what it has by then is compared.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { placeOn, toSpec } from '../../dist/backend/placement.js'
import { loadNative } from '../../dist/native/load.js'
import { resolveTrain } from '../../dist/options/resolve.js'

const text = (value) => ({ type: 'string', default: value })
const { values } = parseArgs({
  options: { out: text('.'), device: text('cuda'), updates: text('200'), limit: text('600') },
})
const rehearsal = values.device === 'cpu'
const place = rehearsal ? 'cpu' : 'cuda:0'
const PICTURES = 110
const { addon } = await loadNative()
if (rehearsal) await addon.setThreads(1)

const large = rehearsal ? { size: 16, dim: 8, dimMults: [1, 2], batch: 4 } : { size: 128, dim: 64, batch: 16 }
const small = rehearsal ? large : { size: 64, dim: 32, batch: 16 }
const dcgan = { model: 'dcgan', ...(rehearsal ? { size: 32, width: 8, batch: 4 } : { size: 64, batch: 64 }) }

/** Smooth pictures, a little different from each other. */
function drawPictures(size) {
  const pixels = new Uint8Array(PICTURES * size * size * 3)
  for (let i = 0; i < pixels.length; i++) {
    const [c, x, y, n] = [
      i % 3,
      Math.floor(i / 3) % size,
      Math.floor(i / 3 / size) % size,
      Math.floor(i / 3 / size / size),
    ]
    pixels[i] = 128 + 100 * Math.sin(((x * (c + 1) + y * 2 + n * 7) / size) * 3 + n)
  }
  return pixels
}
const drawn = new Map()
const picturesOf = (size) => drawn.get(size) ?? drawn.set(size, drawPictures(size)).get(size)

/** `way`, where it is given, has another ops set or a graph train. */
async function open(options, where = place, way = {}) {
  const resolved = resolveTrain({ exact: true, deterministic: true, flip: false, ...options })
  const shape = [PICTURES, resolved.size, resolved.size, 3]
  const images = await addon.images(picturesOf(resolved.size), shape, where)
  const trainer = await addon.trainer(toSpec(resolved, { ...placeOn(where, resolved, []), ...way }), images)
  const close = () => {
    trainer.dispose()
    images.dispose()
  }
  return { trainer, close }
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** Digests of the tensors whose names begin so. */
async function digests(trainer, prefix) {
  const names = (await trainer.tensors()).map(({ name }) => name).filter((name) => name.startsWith(prefix))
  const found = {}
  for (const name of names.sort()) found[name] = digest(await trainer.tensor(name))
  return found
}

async function runOurs(options, updates) {
  const { trainer, close } = await open(options)
  const metrics = await trainer.step(updates)
  const all = await digests(trainer, '')
  close()
  return { metrics, all }
}

/** The same seed twice. */
async function twice(name, options) {
  const [first, second] = [await runOurs(options, 20), await runOurs(options, 20)]
  const different = Object.keys(first.all).filter((tensor) => first.all[tensor] !== second.all[tensor])
  const same = different.length === 0 && JSON.stringify(first.metrics) === JSON.stringify(second.metrics)
  return { name, updates: 20, tensors: Object.keys(first.all).length, same, different: different.slice(0, 5) }
}

const cases = [
  { name: 'tf32', precision: 'tf32', updates: Number(values.updates), ...large },
  { name: 'fp32', precision: 'fp32', updates: 20, ...small },
  { name: 'bf16', precision: 'bf16', updates: Math.ceil(Number(values.updates) / 4), ...large },
]

/** The reference: deterministic, and twice as users run it, whose difference is what chance alone makes. */
async function runReference() {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-exact-'))
  for (const size of new Set(cases.map((one) => one.size))) writeFileSync(join(folder, `${size}.bin`), picturesOf(size))
  const of = ({ dimMults = [1, 2, 4, 8], ...one }, deterministic) => {
    const pixels = join(folder, `${one.size}.bin`)
    return { ...one, dimMults, deterministic, seed: 3407, device: rehearsal ? 'cpu' : 'cuda', pixels }
  }
  const asked = cases.flatMap((one) => [of(one, true), of(one, false), of(one, false)])
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(asked))
  const result = join(folder, 'result.json')
  const env = { ...process.env, CUBLAS_WORKSPACE_CONFIG: ':4096:8', ...(rehearsal && { OMP_NUM_THREADS: '1' }) }
  const python = process.env.SHINSAKU_PYTHON || 'python3'
  const script = join(import.meta.dirname, 'exact.py')
  await promisify(execFile)(python, [script, join(folder, 'cases.json'), result], {
    env,
    maxBuffer: 2 ** 26,
    timeout: 1000 * Number(values.limit),
    killSignal: 'SIGKILL',
  }).catch((error) =>
    console.log(`exact.py: ${error.killed ? `ended after ${values.limit} s` : error.stderr || error.message}`),
  )
  const { cases: found } = existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) : { cases: [] }
  return cases.map((_, i) => found.slice(3 * i, 3 * i + 3))
}

/** How far two courses of losses are apart. */
function apart(a, b) {
  if (!a || !b) return null
  const relative = a.map((value, i) => Math.abs(value - b[i]) / Math.abs(b[i]))
  const first = a.findIndex((value, i) => Math.fround(value) !== Math.fround(b[i]))
  const mean = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  const last = Math.ceil(a.length / 4)
  return {
    identical: first < 0,
    firstDifferent: first < 0 ? null : first + 1,
    largest: Math.max(...relative),
    means: [mean(a.slice(-last)), mean(b.slice(-last))],
  }
}

/** Losses of the fast way, and what went wrong with it. */
async function fastLosses(options, updates) {
  if (rehearsal) return { problem: 'no GPU' }
  try {
    const { trainer, close } = await open({ ...options, exact: false, deterministic: false }, place, {
      ops: 'cuda',
      graph: true,
    })
    const { loss } = await trainer.step(updates)
    close()
    return { losses: loss }
  } catch (error) {
    return { problem: `${error.code ?? ''} ${error.message.split('\n')[0]}` }
  }
}

async function besideReference(reference) {
  const rows = []
  const columns = []
  for (const [i, one] of cases.entries()) {
    const { name, updates, ...options } = one
    const { trainer, close } = await open(options)
    const { loss } = await trainer.step(updates)
    const weights = await digests(trainer, 'model.')
    close()
    const fast = await fastLosses(options, updates)
    const [deterministic, plain, again] = reference[i] ?? []
    const same = Object.keys(weights).filter((tensor) => deterministic?.weights?.[tensor] === weights[tensor]).length
    rows.push({
      name,
      ...options,
      updates,
      beside: apart(loss, deterministic?.losses),
      besidePlain: apart(loss, plain?.losses),
      plainTwice: apart(plain?.losses, again?.losses),
      fast: apart(fast.losses, plain?.losses),
      fastProblem: fast.problem,
      weights: { of: Object.keys(weights).length, same },
      problem: deterministic?.problem ?? plain?.problem ?? (deterministic ? undefined : 'no result of Python'),
    })
    columns.push([`${name} shinsaku cuda graph`, fast.losses ?? []])
    columns.push([`${name} shinsaku`, loss], [`${name} python deterministic`, deterministic?.losses ?? []])
    columns.push([`${name} python`, plain?.losses ?? []], [`${name} python again`, again?.losses ?? []])
  }
  const longest = Math.max(...columns.map(([, numbers]) => numbers.length))
  const lines = Array.from({ length: longest }, (_, i) =>
    [i + 1, ...columns.map(([, numbers]) => numbers[i] ?? '')].join(','),
  )
  writeFileSync(
    join(values.out, 'losses.csv'),
    `${[['update', ...columns.map(([name]) => name)].join(','), ...lines].join('\n')}\n`,
  )
  return rows
}

const floats = (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
const norm = (numbers) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0))

/** Pictures drawn from the same weights here and there, in fp32: ‖here - there‖ / ‖there‖. */
async function besideCpu(name, options, args) {
  const { trainer, close } = await open({ ...options, precision: 'fp32' })
  await trainer.step(2)
  const infos = await trainer.tensors()
  const other = /^(ema|optimizer|progress|random|discriminator)\./
  const chosen = infos.filter((info) => !other.test(info.name))
  const weights = await Promise.all(chosen.map(async (info) => ({ ...info, bytes: await trainer.tensor(info.name) })))
  close()
  const draw = async (where) => {
    const resolved = resolveTrain({ exact: true, ...options, precision: 'fp32' })
    const generator = await addon.generator(toSpec(resolved, placeOn(where, resolved, [])), weights)
    const sampler = await generator.sampler({ seeds: [1, 2], batch: 2, ...args })
    while (!(await sampler.step()));
    const drawn = floats(await sampler.values()).slice()
    sampler.dispose()
    generator.dispose()
    return drawn
  }
  const [here, there] = [await draw(place), await draw('cpu')]
  return { name, relative: norm(here.map((value, i) => value - there[i])) / norm(there) }
}

const report = { date: new Date().toISOString(), device: values.device, twice: [], beside: [], cpu: [], problems: [] }
const write = () => writeFileSync(join(values.out, 'exact.json'), `${JSON.stringify(report, null, 2)}\n`)
async function attempt(name, work) {
  try {
    await work()
  } catch (error) {
    report.problems.push(`${name}: ${error.code ?? ''} ${error.message.split('\n')[0]}`)
  }
  write()
}

const reference = attempt('python', async () => {
  report.reference = await runReference()
})
for (const precision of ['fp32', 'tf32', 'bf16']) {
  for (const [name, options] of Object.entries({
    'U-Net 2.3': small,
    'U-Net 2022': { ...small, variant: '0.26' },
    dcgan,
  }))
    await attempt(`twice ${name}`, async () =>
      report.twice.push(await twice(`${name} ${precision}`, { ...options, precision })),
    )
}
await attempt('U-Net beside the CPU', async () =>
  report.cpu.push(await besideCpu('U-Net 2.3, DDIM 10', small, { steps: 10, sampler: 'ddim', eta: 0 })),
)
await attempt('DCGAN beside the CPU', async () =>
  report.cpu.push(await besideCpu('DCGAN', dcgan, { batchNorm: 'running' })),
)
await reference
await attempt('beside', async () => {
  report.beside = await besideReference(report.reference ?? [])
  delete report.reference
})

for (const { name, same, tensors, different } of report.twice)
  console.log(
    `twice, ${name}: ${same ? `the same bytes in ${tensors} tensors` : `DIFFERENT: ${different.join(', ') || 'metrics'}`}`,
  )
for (const { name, relative } of report.cpu) console.log(`beside the CPU, ${name}: ${relative.toExponential(2)}`)
for (const { name, updates, beside, besidePlain, plainTwice, fast, weights, problem } of report.beside) {
  console.log(
    `beside Python, ${name}, ${updates} updates: ${problem ?? ''} weights ${weights.same} of ${weights.of} identical`,
  )
  for (const [what, found] of Object.entries({
    deterministic: beside,
    'as users run it': besidePlain,
    'Python twice': plainTwice,
    'cuda in a graph': fast,
  })) {
    if (found)
      console.log(
        `  ${what}: ${found.identical ? 'identical' : `from update ${found.firstDifferent}, largest ${found.largest.toExponential(2)}`}, means ${found.means.map((mean) => mean.toFixed(5)).join(' and ')}`,
      )
  }
}
for (const { name, fastProblem } of report.beside)
  if (fastProblem) console.log(`cuda in a graph, ${name}: ${fastProblem}`)
for (const problem of report.problems) console.log(`problem: ${problem}`)
process.exit(report.problems.length === 0 && report.twice.every(({ same }) => same) ? 0 : 1)
