// docs/benchmarks.md: what was measured on CPUs, as a page.
import { HELD } from './cases.mjs'
import { heading, line } from './markdown.mjs'
import { digits, ratios } from './rows.mjs'

/** @import { CpuData, CpuMachine, CpuResult } from './report.mjs' */
/** @import { Row } from './rows.mjs' */

/** How the names of works begin, the title of their section, and a sentence about it. @typedef {[string, string, string]} Section */

/** @type {Section[]} */
const SECTIONS = [
  ['forward', 'Sampling: one denoising step', 'One evaluation of the network, and the sampler where there is one.'],
  ['training step', 'Training: one update', ''],
  ['drawing', 'DCGAN: sampling', ''],
  ['load to first', 'From `load()` to the first picture', ''],
  ['next', 'The next picture', ''],
  [
    'start',
    'Start to the first evaluation',
    'From the start of the process; compiled forms begin with an empty cache.',
  ],
  ['ingest', 'Reading pictures: milliseconds a picture', '"again" is a second start, which finds the cache.'],
  ['10 epochs', 'Reading pictures: ten epochs', 'shinsaku decodes once, a DataLoader in every epoch.'],
]

const value = (/** @type {Row} */ { median, min, unit }) => `${digits(median)} (${digits(min)}) ${unit}`

/** Each kind of work, and the same held to a smaller processor. @param {Section} one @param {Row[]} rows */
const sections = (one, rows) => {
  const held = rows.filter(({ work }) => HELD.test(work))
  const [prefix, title] = one
  return [
    ...section(
      one,
      rows.filter((row) => !held.includes(row)),
    ),
    ...section(
      [prefix, `${title}${held[0]?.work.match(HELD)?.[0]}`, ''],
      held.map((row) => ({ ...row, work: row.work.replace(HELD, '') })),
    ),
  ]
}

const datesOf = (/** @type {Row[]} */ rows) => [...new Set(rows.map(({ date }) => date))].join(', ')

/**
 * @param {Section} kind
 * @param {Row[]} rows
 * @returns {string[]}
 */
function section([prefix, title, text], rows) {
  const here = rows.filter(({ work }) => work.startsWith(prefix))
  if (here.length === 0) return []
  const works = [...new Set(here.map(({ work }) => work))]
  const who = [...new Set(here.map((row) => row.who))]
  const cell = (/** @type {string} */ work, /** @type {string} */ name) => {
    const row = here.find((one) => one.work === work && one.who === name)
    if (!row) return ''
    const than = ratios(row, here)
    if (name === 'floor') return `${digits(row.median)} ${row.unit}`
    return than && !name.startsWith('shinsaku') ? `${value(row)}, **${than.median.toFixed(2)}x**` : value(row)
  }
  const bare = works.map((work) => work.replace(new RegExp(`^${prefix},? ?`), '') || work)
  const across = who.length <= 3
  const body = across
    ? [
        ...heading(['', ...who]),
        ...works.map((work, i) => line([bare[i] ?? work, ...who.map((name) => cell(work, name))])),
      ]
    : [...heading(['', ...bare]), ...who.map((name) => line([name, ...works.map((work) => cell(work, name))]))]
  const dates = datesOf(here)
  return [`## ${title}`, '', ...(text ? [text, ''] : []), ...body, '', `Measured ${dates}.`, '']
}

/** @param {Row[]} rows @returns {string[]} */
function life(rows) {
  const here = rows.filter(({ unit, work }) => !SECTIONS.some(([prefix]) => work.startsWith(prefix)) && unit)
  if (here.length === 0) return []
  return [
    '## A process that lives long',
    '',
    ...heading(['', 'shinsaku']),
    ...here.map((row) => line([row.work, `${digits(row.median)} ${row.unit}`])),
    '',
    `Measured ${datesOf(here)}.`,
    '',
  ]
}

const place = (/** @type {CpuMachine} */ { processor, threads, versions, note }) =>
  `${processor}; ${threads} threads; ${versions}.${note ? `\n${note}` : ''}`

const other = (/** @type {CpuResult} */ { machine, rows }) => `## On another processor

${place(machine)}

${SECTIONS.flatMap((one) => sections(one, rows))
  .map((text) => text.replace(/^## /, '### '))
  .join('\n')}`

/** The page. @param {CpuData} data */
export const cpuPage = ({ machine, rows, others = [] }) => `# Benchmarks

${place(machine)}

\`npm run bench\` measures all of this on your machine, and \`npm run bench -- --docs\` writes this page; \`docs/benchmarks.json\` has
the numbers. Medians of interleaved rounds, minima in brackets; in bold, how many times as long as shinsaku the other took.
Every side is a process of its own with the same threads, weights (both sides take them from seed 3407) and sizes of input.
The U-Net has dim 64 and multipliers 1, 2, 4, 8: 36 million parameters.

![How many times as long as shinsaku the others take](benchmarks.svg)

- \`shinsaku\` is what \`train()\` and \`sample()\` do by default, \`shinsaku-exact\` the same with \`exact: true\`, \`shinsaku-avx2\` the default
  on a processor without AVX-512, here on one that has it. The cpu kernels' numbers are within a relative 1e-5 of PyTorch's in
  double (\`test/native/ops_check.cc\`); PyTorch's own operations are as exact or more so, and the same bits only with \`exact\`.
- \`eager\` is denoising-diffusion-pytorch (2.3.4, or 0.26.4 for "0.26") or the DCGAN example of PyTorch, with pictures in memory;
  \`channels_last\`, \`compile\` and \`freezing\` (for sampling) are the same in that layout, through \`torch.compile\`, and with
  inductor's freezing. \`onnxruntime\` is the exported network in onnxruntime-node, \`openvino\` in OpenVINO, both in float32.
- Held to AVX2, on the same machine: \`npm run bench -- --isa avx2\` lets libtorch, oneDNN, MKL, inductor and shinsaku use no more than
  an older processor has. onnxruntime-node cannot be held.
- \`floor\` is the arithmetic of the direct algorithms at the fastest matrix product that libtorch reached in these very rounds.
  Winograd needs less arithmetic and may go below it.

${SECTIONS.flatMap((one) => sections(one, rows)).join('\n')}
${life(rows).join('\n')}
${others.map(other).join('\n')}`
