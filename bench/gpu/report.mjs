// docs/benchmarks-gpu.md, made from what run.sh measured and from nothing else:
//   node bench/gpu/report.mjs RESULTS... [--out docs/benchmarks-gpu.md]
// Each RESULTS is a folder with machine.json and, where they were measured, bench.json, exact.json and doctor.log.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(import.meta.dirname, '..', '..', 'docs', 'benchmarks-gpu.md') } },
})
if (positionals.length === 0) {
  console.error('node bench/gpu/report.mjs RESULTS... [--out FILE]')
  process.exit(2)
}

const meanings = {
  eager: 'PyTorch, as the program is published',
  tuned: 'PyTorch, channels_last, fused Adam, foreach EMA, `cudnn.benchmark`',
  compile: 'the same through `torch.compile`',
  graphs: 'the same with `mode="reduce-overhead"` (CUDA graphs)',
  shinsaku: 'shinsaku, as it chooses',
  'shinsaku-reference': "shinsaku, the reference's operations",
  'shinsaku-reference-graph': "shinsaku, the reference's operations in a CUDA graph",
  'shinsaku-cuda': 'shinsaku, its own operations',
  'shinsaku-cuda-graph': 'shinsaku, its own operations in a CUDA graph',
}

const read = (folder, name) => {
  const path = join(folder, name)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const fixed = (value, digits = 2) => (value >= 100 ? value.toFixed(0) : value.toFixed(digits))
const seconds = (ms) => `${(ms / 1000).toFixed(0)} s`
const gibibytes = (row) => {
  if (row.memory !== null) return `${(row.memory / 1024).toFixed(1)} GiB`
  return row.reserved ? `${(row.reserved / 2 ** 30).toFixed(1)} GiB reserved` : 'not known'
}

function renderJob({ title, batch, rounds, clocks, rows }) {
  const measured = rows.filter(({ median }) => median !== undefined)
  const eager = measured.find(({ who }) => who === 'eager')?.median
  const best = measured.find(({ who }) => who === 'compile')?.median
  const lines = rows.map((row) => {
    const name = meanings[row.who]
    if (row.median === undefined) return [name, row.problem, '', '', '', '', '']
    const ratio = (base) => (base ? `${(base / row.median).toFixed(2)}x` : '')
    const time = `${fixed(row.median)} (${fixed(row.min)})`
    const rate = fixed((1000 * batch) / row.median, 0)
    return [name, time, rate, ratio(eager), ratio(best), gibibytes(row), seconds(row.ready.ready)]
  })
  const head = ['who', 'ms, median (minimum)', 'pictures/s', 'against eager', 'against compile', 'memory', 'start-up']
  const steps = Math.min(...measured.map((row) => row.steps))
  const state = clocks ? ` Clocks, temperature and power at its end: ${clocks}.` : ''
  return `### ${title[0].toUpperCase()}${title.slice(1)}\n\n${table(head, lines)}\n\n${rounds} rounds, ${steps} steps or more each.${state}`
}

function renderBench({ date, jobs, leftOut }) {
  const left = leftOut.length > 0 ? `\n\nNot measured for want of time: ${leftOut.join('; ')}.` : ''
  return `${jobs.map(renderJob).join('\n\n')}${left}\n\nMeasured on ${date.slice(0, 10)}.`
}

const course = (found) => {
  if (!found) return 'no result'
  if (found.identical) return 'identical'
  return `differ from update ${found.firstDifferent}, by at most ${found.largest.toExponential(1)}; means ${found.means.map((mean) => mean.toFixed(4)).join(' and ')}`
}

function renderExact({ twice, cpu, beside, problems }) {
  const same = twice.map(({ name, updates, tensors, same: is }) => [
    name,
    updates,
    is ? `identical: ${tensors} tensors and all metrics` : 'DIFFERENT',
  ])
  const losses = beside.map((row) => [
    `${row.name}, dim ${row.dim}, ${row.size} px, batch ${row.batch}`,
    row.updates,
    row.problem ?? course(row.beside),
    `${row.weights.same} of ${row.weights.of}`,
    course(row.besidePlain),
    course(row.plainTwice),
    row.fastProblem ?? course(row.fast),
  ])
  const parts = [
    `### The same seed twice, deterministic\n\n${table(['run', 'updates', 'bytes'], same)}`,
    losses.length > 0 &&
      `### Losses beside Python's, from the same weights, pictures and noise\n\n${table(['run', 'updates', 'losses, both deterministic', 'weights identical', 'losses, Python as users run it', 'Python twice', 'cuda in a graph beside Python'], losses)}\n\nDifferences are relative; means are those of the last quarter of the updates.`,
    `### The GPU beside the CPU, fp32\n\n${table(
      ['pictures', '‖GPU - CPU‖ / ‖CPU‖'],
      cpu.map(({ name, relative }) => [name, relative.toExponential(1)]),
    )}`,
    ...problems.map((problem) => `Problem: ${problem}`),
  ]
  return parts.filter(Boolean).join('\n\n')
}

function renderRun(folder) {
  const machine = read(folder, 'machine.json')
  const bench = read(folder, 'bench.json')
  const exact = read(folder, 'exact.json')
  if (!machine.gpu || [bench, exact].some((part) => part && part.device !== 'cuda'))
    throw new Error(`${folder} holds a rehearsal without a GPU; no figure of it may be published`)
  const fields = machine.gpuFields.split(',').map((name, i) => `${name} ${machine.gpu.split(', ')[i]}`)
  // A benchmark that run.sh did not start has arguments of its own.
  const alone = bench && !bench.arguments.includes('--wait')
  const given = (alone ? bench : machine).arguments
  const quoted = given.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ')
  const command = `${alone ? 'node bench/gpu/bench.mjs' : 'bash bench/gpu/run.sh'} ${quoted}`.trim()
  const facts = [
    `- GPU: ${fields.join(', ')}`,
    `- processor: ${machine.cpu}, ${machine.cores} cores`,
    `- torch ${machine.torch} (CUDA ${machine.cuda}, cuDNN ${machine.cudnn}) on both sides; Python ${machine.python}, Node ${machine.node}, ${machine.compiler}`,
    `- command: \`${command}\`, ${machine.date.slice(0, 10)}`,
  ]
  const parts = [`## ${machine.gpu.split(',')[0]}`, facts.join('\n')]
  if (bench) parts.push(renderBench(bench))
  if (exact) parts.push(renderExact(exact))
  const doctor = join(folder, 'doctor.log')
  if (existsSync(doctor))
    parts.push(`### \`shinsaku doctor --gpu\`\n\n\`\`\`text\n${readFileSync(doctor, 'utf8').trimEnd()}\n\`\`\``)
  return parts.join('\n\n')
}

const intro = `# Benchmarks on a GPU

Made by \`bench/gpu/report.mjs\` from what \`npm run gpu-pack\` packs and \`bench/gpu/run.sh\` measures. Sides are
processes of their own that take turns, so that all see the same machine. Peers are denoising-diffusion-pytorch 2.3.4 and
the DCGAN of pytorch/examples; a training step is what their programs do: a batch from pinned memory, loss and \`.item()\`,
backward, clipping, Adam, average. Decoding of pictures is not in it. Memory is what the driver counts for the process.
Start-up is from the start of the process to the first steps done, compiling included, while other sides started too.`

const page = `${[intro, ...positionals.map(renderRun)].join('\n\n')}\n`
writeFileSync(values.out, page)
console.log(`${values.out}: ${page.split('\n').length} lines`)
