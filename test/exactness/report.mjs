// What came out, for people: lines, what --json writes, docs/exactness.md.
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { nameOf, partsOf, readCommandLine, SNAPSHOTS } from './cases.mjs'

const boundText = (bound) => (Number.isFinite(bound) ? bound.toExponential(0) : 'all')

/** One line for the terminal: what differs, or that nothing does. */
export function caseLine({ name, rows }) {
  const different = rows.filter((row) => !row.identical)
  const list = different.map((row) => `    ${row.quantity}: differs by ${boundText(row.bound)}`)
  const verdict =
    different.length === 0 ? `all ${rows.length} identical` : `${different.length} of ${rows.length} differ`
  return [`${different.length === 0 ? '=' : '!'} ${name}: ${verdict}`, ...list].join('\n')
}

/** Where several were used, all of them; a value may be several already. */
const several = (values) =>
  [...new Set(values.filter((value) => value !== undefined).flatMap((value) => String(value).split(' and ')))].join(
    ' and ',
  )

/** What `--json` writes: versions and processor, the cases, and every row of them. */
export async function summaryOf(addon, libtorch, results) {
  const { cpuCapability } = await addon.info()
  const names = new Set(results.flatMap(({ versions }) => Object.keys(versions)))
  return {
    date: new Date().toISOString().slice(0, 10),
    libtorch: `${libtorch.version}-${libtorch.flavour}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cpu: results[0]?.reference.cpu,
    cpuCapability,
    threads: several(results.map(({ given }) => given.threads)),
    versions: Object.fromEntries(
      [...names].map((name) => [name, several(results.map(({ versions }) => versions[name]))]),
    ),
    cases: results.map(({ name, given: { model, variant, steps }, replay: { pictures } }) => {
      return { name, model, variant, steps, pictures }
    }),
    rows: results.flatMap(({ name, rows }) => rows.map((row) => ({ case: name, ...row }))),
  }
}

/** Several summaries as one. Throws where they are not of one processor: their bits are not of one kind. */
export function joined(summaries) {
  const [first] = summaries
  const other = summaries.find(({ cpu, cpuCapability }) => cpu !== first.cpu || cpuCapability !== first.cpuCapability)
  if (other)
    throw new Error(`runs on two processors: ${first.cpu} ${first.cpuCapability}, ${other.cpu} ${other.cpuCapability}`)
  // Of a case that was run twice, the last run counts.
  const all = new Map(summaries.flatMap(({ cases, rows }) => cases.map((given) => [given.name, { given, rows }])))
  const versions = summaries.flatMap((summary) => Object.entries(summary.versions))
  return {
    ...first,
    date: several(summaries.map(({ date }) => date)),
    libtorch: several(summaries.map(({ libtorch }) => libtorch)),
    threads: several(summaries.map(({ threads }) => threads)),
    versions: Object.fromEntries(
      versions.map(([name]) => [name, several(versions.filter((entry) => entry[0] === name).map((entry) => entry[1]))]),
    ),
    cases: [...all.values()].map(({ given }) => given),
    rows: [...all].flatMap(([name, { rows }]) => rows.filter((row) => row.case === name)),
  }
}

const cell = (text) => String(text).replaceAll('|', '\\|')
const markdown = (header, rows) =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')

/** The rows of a case whose quantity starts so: "=" if all are identical, else the worst bound. */
function cellOf(rows, ...starts) {
  const chosen = rows.filter(({ quantity }) => starts.some((start) => quantity.startsWith(start)))
  if (chosen.length === 0) return ''
  const different = chosen.filter((row) => !row.identical)
  return different.length === 0 ? '=' : boundText(Math.max(...different.map(({ bound }) => bound)))
}

const columns = {
  'initial weights': ['initial weights'],
  order: ['order of pictures'],
  flips: ['flips'],
  t: ['time steps'],
  noise: ['noise'],
  'random stream': ['random stream'],
  losses: ['loss'],
  gradients: ['gradients'],
  moments: ['Adam moments'],
  weights: ['weights after'],
  EMA: ['EMA'],
  DDPM: ['sample ddpm'],
  DDIM: ['sample ddim'],
  pictures: ['sample running'],
}

function casesTable(cases) {
  const used = Object.entries(columns).filter(([, starts]) => cases.some(({ rows }) => cellOf(rows, ...starts) !== ''))
  const lines = cases.map(({ name: label, steps, rows }) => {
    const { name, threads } = partsOf(label)
    const cells = used.map(([, starts]) => cellOf(rows, ...starts))
    return [name.replace(/^(diffusion|dcgan) /, ''), threads, steps, ...cells]
  })
  return markdown(['case', 'threads', 'updates', ...used.map(([name]) => name)], lines)
}

/** Cases by whether the script's own table has them; those of the table that were not run are named. */
function placeInTable(cases) {
  const table = new Set(readCommandLine([]).cases.map(nameOf))
  const run = new Set(cases.map(({ name }) => partsOf(name).name))
  const missing = [...table].filter((name) => !run.has(name))
  return {
    own: cases.filter(({ name }) => table.has(partsOf(name).name)),
    more: cases.filter(({ name }) => !table.has(partsOf(name).name)),
    missing: missing.map((name) => `- ${name}`).join('\n'),
  }
}

const section = (title, cases) => (cases.length === 0 ? '' : `\n## ${title}\n\n${casesTable(cases)}\n`)

/** docs/exactness.md. */
export function page(summary) {
  const identical = summary.rows.filter((row) => row.identical).length
  const cases = summary.cases.map((given) => ({
    ...given,
    rows: summary.rows.filter((row) => row.case === given.name),
  }))
  const { own, more, missing } = placeInTable(cases)
  const unet = (which) => own.filter((given) => given.variant === which)
  const versions = Object.entries(summary.versions).map(([name, version]) => `${name} ${version}`)
  return `# Exactness

*Generated by \`npm run exactness -- --docs\`; do not edit.*

A run of shinsaku with \`exact: true\` is the run of the Python program that it follows: same initial weights, order of pictures, mirroring, time steps, noise, losses, gradients and weights. This page is what a comparison of the two found.

**${identical} of ${summary.rows.length} rows are identical to the bit**, in ${cases.length} cases of up to ${Math.max(...cases.map(({ steps }) => steps))} updates.

${markdown(
  ['', ''],
  [
    ['date', summary.date],
    ['libtorch of shinsaku', summary.libtorch],
    ['Python', versions.join(', ')],
    ['processor', `${summary.processor} (${summary.cpu}), ${summary.cpuCapability}, threads: ${summary.threads}`],
  ],
)}

\`=\` means every bit is equal; a number is the largest difference, relative to the largest value. Weights, averages, gradients and moments are compared after ${SNAPSHOTS.join(', ')} updates (and the last one, where a case has fewer), everything else in every update. Each case has ${several(cases.map(({ pictures }) => pictures))} pictures; 50 updates of 16 are more than seven epochs of 110.
${section('Diffusion, U-Net "2.3": denoising-diffusion-pytorch 2.3.4', unet('2.3'))}${section(
  'Diffusion, U-Net "0.26": denoising-diffusion-pytorch 0.26.4',
  unet('0.26'),
)}${section(
  'DCGAN',
  own.filter(({ model }) => model === 'dcgan'),
)}${section(
  'Diffusion, cases beside the table',
  more.filter(({ model }) => model === 'diffusion'),
)}${section(
  'DCGAN, cases beside the table',
  more.filter(({ model }) => model === 'dcgan'),
)}${missing === '' ? '' : `\n## Not run for this page\n\nCases of the script's table that \`npm run exactness\` also has:\n\n${missing}\n`}
${readFileSync(new URL('notes.md', import.meta.url), 'utf8').trim()}
`
}
