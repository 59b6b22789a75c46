// docs/benchmarks-gpu.md: what was measured on a GPU, as sections of a page; those of earlier days stay as they are.
import { meanings } from './cases-cuda.mjs'
import { textTable } from './markdown.mjs'
import { measured } from './rows.mjs'

/** @import { GpuMachine } from './machine.mjs' */
/** @import { AnyRow, FailedRow } from './rows.mjs' */

/**
 * What bench.mjs, exact.mjs and the doctor left.
 * @typedef {{ identical: boolean, firstDifferent: number | null, largest: number, means: number[] } | null} Course
 * @typedef {{ device: string, machine: GpuMachine, arguments: string[], rows: (AnyRow | FailedRow)[], leftOut: string[] }} Bench
 * @typedef {{ name: string, dim: number, size: number, batch: number, updates: number, problem?: string,
 *   beside: Course, besidePlain: Course, plainTwice: Course, fast: Course, fastProblem?: string,
 *   weights: { same: number, of: number } }} Beside
 * @typedef {{ device: string, twice: { name: string, updates: number, tensors: number, same: boolean, different: string[] }[],
 *   beside: Beside[], cpu: { name: string, relative: number }[], problems: string[] }} Exact
 * @typedef {{ machine?: GpuMachine | undefined, bench?: Bench | undefined, exact?: Exact | undefined,
 *   doctor?: string | undefined }} CudaResult
 */

/** @param {number} value */
const fixed = (value, digits = 2) => (value >= 100 ? value.toFixed(0) : value.toFixed(digits))

/** @param {AnyRow} row */
function gibibytes({ memory, reserved }) {
  if (memory) return `${(memory / 1024).toFixed(1)} GiB`
  return reserved ? `${(reserved / 2 ** 30).toFixed(1)} GiB reserved` : 'not known'
}

/**
 * @param {string} work
 * @param {(AnyRow | FailedRow)[]} rows
 */
function workSection(work, rows) {
  const timed = measured(rows)
  const medianOf = (/** @type {string} */ name) => timed.find(({ who }) => who === name)?.median
  const lines = rows.map((row) => {
    const name = meanings[row.who] ?? row.who
    if (row.median === undefined) return [name, row.problem ?? '', '', '', '', '', '']
    const { median, min, batch = 1, ready = 0 } = row
    const ratio = (/** @type {string} */ base) =>
      medianOf(base) ? `${((medianOf(base) ?? 0) / median).toFixed(2)}x` : ''
    const time = `${fixed(median)} (${fixed(min)})`
    const rate = fixed((1000 * batch) / median, 0)
    return [name, time, rate, ratio('eager'), ratio('compile'), gibibytes(row), `${(ready / 1000).toFixed(0)} s`]
  })
  const title = `### ${work[0]?.toUpperCase()}${work.slice(1)}`
  const head = ['who', 'ms, median (minimum)', 'pictures/s', 'against eager', 'against compile', 'memory', 'start-up']
  // Where every side failed, why is all that there is to say.
  if (timed.length === 0) return `${title}\n\n${textTable(head, lines)}`
  const steps = Math.min(...timed.map((row) => row.steps ?? 0))
  const [{ clocks = null } = {}] = rows
  const state = clocks ? ` Clocks, temperature and power at its end: ${clocks}.` : ''
  const rounds = Math.max(...timed.map((row) => row.rounds))
  return `${title}\n\n${textTable(head, lines)}\n\n${rounds} rounds, ${steps} steps or more each.${state}`
}

/** @param {Bench} bench */
function benchSections({ rows, leftOut }) {
  const works = [...new Set(rows.map(({ work }) => work))]
  const sections = works.map((work) =>
    workSection(
      work,
      rows.filter((row) => row.work === work),
    ),
  )
  const left = leftOut.length > 0 ? [`Not measured for want of time: ${leftOut.join('; ')}.`] : []
  const dates = [...new Set(rows.map(({ date }) => date))].join(', ')
  return [...sections, ...left, `Measured on ${dates}.`].join('\n\n')
}

/** @param {Course} found */
const course = (found) => {
  if (!found) return 'no result'
  if (found.identical) return 'identical'
  const means = found.means.map((mean) => mean.toFixed(4)).join(' and ')
  return `differ from update ${found.firstDifferent}, by at most ${found.largest.toExponential(1)}; means ${means}`
}

/** @param {Exact} exact */
function exactSections({ twice, cpu, beside, problems }) {
  const same = twice.map(({ name, updates, tensors, same: is }) => [
    name,
    String(updates),
    is ? `identical: ${tensors} tensors and all metrics` : 'DIFFERENT',
  ])
  const losses = beside.map((row) => [
    `${row.name}, dim ${row.dim}, ${row.size} px, batch ${row.batch}`,
    String(row.updates),
    row.problem ?? course(row.beside),
    `${row.weights.same} of ${row.weights.of}`,
    course(row.besidePlain),
    course(row.plainTwice),
    row.fastProblem ?? course(row.fast),
  ])
  const lossHead = [
    'run',
    'updates',
    'losses, both deterministic',
    'weights identical',
    'losses, Python as users run it',
  ]
  const lossTable = textTable([...lossHead, 'Python twice', 'cuda in a graph beside Python'], losses)
  const distances = cpu.map(({ name, relative }) => [name, relative.toExponential(1)])
  return [
    `### The same seed twice, deterministic\n\n${textTable(['run', 'updates', 'bytes'], same)}`,
    ...(losses.length > 0
      ? [
          `### Losses beside Python's, from the same weights, pictures and noise\n\n${lossTable}\n\nDifferences are relative; means are those of the last quarter of the updates.`,
        ]
      : []),
    `### The GPU beside the CPU, fp32\n\n${textTable(['pictures', '‖GPU - CPU‖ / ‖CPU‖'], distances)}`,
    ...problems.map((problem) => `Problem: ${problem}`),
  ].join('\n\n')
}

/** @param {CudaResult} result */
function section({ machine: told, bench, exact, doctor }) {
  const machine = told ?? bench?.machine
  if (!machine?.gpu || [bench, exact].some((part) => part && part.device !== 'cuda'))
    throw new Error('these are results of a rehearsal without a GPU; no figure of it may be published')
  const values = machine.gpu.split(', ')
  const fields = machine.gpuFields.split(',').map((name, i) => `${name} ${values[i]}`)
  // A benchmark that run.sh did not start has arguments of its own.
  const alone = bench && !bench.arguments.includes('--wait')
  const given = (alone ? bench : machine).arguments
  const quoted = given.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ')
  const command = `${alone ? 'npm run bench --' : 'bash bench/gpu/run.sh'} ${quoted}`.trim()
  const { torch, cuda, cudnn, python, node, compiler, cpu, cores, date } = machine
  const facts = [
    `- GPU: ${fields.join(', ')}`,
    `- processor: ${cpu}, ${cores} cores`,
    `- torch ${torch} (CUDA ${cuda}, cuDNN ${cudnn}) on both sides; Python ${python}, Node ${node}, ${compiler}`,
    `- command: \`${command}\`, ${date.slice(0, 10)}`,
  ]
  const parts = [`## ${machine.gpu.split(',')[0]}`, facts.join('\n')]
  if (bench) parts.push(benchSections(bench))
  if (exact) parts.push(exactSections(exact))
  if (doctor) parts.push(`### \`shinsaku doctor --gpu\`\n\n\`\`\`text\n${doctor.trimEnd()}\n\`\`\``)
  return parts.join('\n\n')
}

const intro = `# Benchmarks on a GPU

Made by \`npm run bench -- --device cuda --docs\`, there or from what \`npm run gpu-pack\` packs and \`bench/gpu/run.sh\`
measures; sections of earlier days stay, with the commands of their time. Sides are
processes of their own that take turns, so that all see the same machine. Peers are denoising-diffusion-pytorch 2.3.4 and
the DCGAN of pytorch/examples; a training step is what their programs do: a batch from pinned memory, loss and \`.item()\`,
backward, clipping, Adam, average. Decoding of pictures is not in it. Memory is what the driver counts for the process.
Start-up is from the start of the process to the first steps done, compiling included, while other sides started too.`

/**
 * The page: new sections, then those of an earlier page that are not the same.
 * @param {CudaResult[]} results
 * @param {string} earlier
 */
export function cudaPage(results, earlier) {
  const made = results.map(section)
  const [, ...kept] = `\n${earlier}`.split(/\n(?=## )/).map((text) => text.trim())
  return `${[intro, ...made, ...kept.filter((text) => !made.includes(text))].join('\n\n')}\n`
}
